// For tests: a List Blobs answer read the slow, obvious way, by a full XML parser. pugixml forgives much that the decoder
// refuses, so the two are compared where both accept a page.
#pragma once

#include <cctype>
#include <cstdlib>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/percent_encoding.h"
#include "base/time.h"
#include "listing/list_page_decoder.h"

namespace abo::listing {

struct Listed {
  std::vector<BlobItem> blobs;
  std::vector<std::string> prefixes;
  std::string next_marker;
  friend bool operator==(const Listed&, const Listed&) = default;
};

namespace oracle {

inline std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

inline std::string name_of(pugi::xml_node row) {
  std::string name = row.child_value("Name");
  bool encoded = std::string_view(row.child("Name").attribute("Encoded").value()) == "true";
  return encoded ? percent_decode(name).value_or("") : name;
}

inline bool left_out(pugi::xml_node row) {
  std::string_view deleted = row.child_value("Deleted"), current = row.child_value("IsCurrentVersion");
  bool folder = false;
  for (pugi::xml_node entry : row.child("Metadata")) {
    folder = folder || (lower(entry.name()) == "hdi_isfolder" && lower(entry.child_value()) == "true");
  }
  std::string_view size = row.child("Properties").child_value("Content-Length");
  folder = folder && (size.empty() || size == "0");
  return folder || deleted == "true" || *row.child_value("Snapshot") ||
         std::string_view(row.child_value("HasVersionsOnly")) == "true" ||
         (*row.child_value("VersionId") && current != "true") ||
         std::string_view(row.child("Properties").child_value("ResourceType")) == "directory";
}

inline std::string unquoted(std::string etag) {
  if (etag.starts_with("W/")) etag.erase(0, 2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return etag;
}

inline BlobItem item_of(pugi::xml_node row) {
  pugi::xml_node properties = row.child("Properties");
  BlobItem item;
  item.name = name_of(row);
  item.etag = unquoted(properties.child_value("Etag"));
  item.last_modified = parse_rfc1123(properties.child_value("Last-Modified")).value_or(ServiceTime{});
  item.size = std::strtoll(properties.child_value("Content-Length"), nullptr, 10);
  item.content_type = properties.child_value("Content-Type");
  item.content_md5 = properties.child_value("Content-MD5");
  item.copy_pending = std::string_view(properties.child_value("CopyStatus")) == "pending";
  return item;
}

}  // namespace oracle

inline std::optional<Listed> parse_with_pugixml(const std::string& text) {
  pugi::xml_document document;
  unsigned options = (pugi::parse_default & ~pugi::parse_eol) | pugi::parse_ws_pcdata_single;
  if (!document.load_buffer(text.data(), text.size(), options, pugi::encoding_utf8)) return std::nullopt;
  pugi::xml_node root = document.child("EnumerationResults");
  Listed listed;
  for (pugi::xml_node row : root.child("Blobs")) {
    if (std::string_view(row.name()) == "Blob" && !oracle::left_out(row))
      listed.blobs.push_back(oracle::item_of(row));
    if (std::string_view(row.name()) == "BlobPrefix") listed.prefixes.push_back(oracle::name_of(row));
  }
  listed.next_marker = root.child_value("NextMarker");
  return listed;
}

}  // namespace abo::listing
