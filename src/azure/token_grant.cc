#include "azure/token_grant.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace abo::azure {
namespace {

constexpr std::size_t longest_domain = 253;

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Labels of letters, digits and inner '-', two at least: "common" and its like name no tenant.
bool is_domain(std::string_view text) {
  if (text.size() > longest_domain || !text.contains('.')) return false;
  for (bool more = true; more;) {
    std::size_t dot = text.find('.');
    std::string_view label = text.substr(0, dot);
    more = dot != text.npos;
    if (more) text.remove_prefix(dot + 1);
    if (label.empty() || label.front() == '-' || label.back() == '-') return false;
    if (!std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; })) return false;
  }
  return true;
}

// Each field with its length, so that no two lists of fields digest alike.
std::string field(std::string_view text) {
  return fmt::format("{}:{},", text.size(), text);
}

struct ProofFields {
  std::string operator()(const ClientSecret& secret) const { return field(secret.text.reveal()); }
  std::string operator()(const ServiceAccountToken& account) const {
    return field(account.ns) + field(account.name);
  }
  std::string operator()(const OperatorToken&) const { return {}; }
  std::string operator()(const ManagedIdentity&) const { return {}; }
};

std::string key_of(const TokenGrant& grant) {
  std::string all = fmt::format("{} {} ", static_cast<int>(grant.cloud), grant.proof.index());
  all += field(grant.tenant_id) + field(grant.client_id) + std::visit(ProofFields{}, grant.proof);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest.data());
  return {digest.begin(), digest.end()};
}

}  // namespace

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

Cloud cloud_of(std::string_view blob_host) {
  if (blob_host.ends_with(".usgovcloudapi.net")) return Cloud::UsGovernment;
  if (blob_host.ends_with(".chinacloudapi.cn")) return Cloud::China;
  return Cloud::Public;
}

std::string_view authority_of(Cloud cloud) {
  switch (cloud) {
    case Cloud::Public:
      return "https://login.microsoftonline.com";
    case Cloud::UsGovernment:
      return "https://login.microsoftonline.us";
    case Cloud::China:
      return "https://login.chinacloudapi.cn";
  }
  return {};
}

std::shared_ptr<const TokenGrant> finish(TokenGrant grant, Cloud cloud) {
  grant.cloud = cloud;
  grant.key = key_of(grant);
  return std::make_shared<const TokenGrant>(std::move(grant));
}

Result<void> check_tenant_id(std::string_view text, std::string_view what, Reason reason) {
  if (is_uuid(text) || is_domain(text)) return {};
  return fail(
      ErrorKind::Invalid, reason,
      fmt::format("{} must be a tenant's ID (a UUID) or one of its domains, such as contoso.onmicrosoft.com",
                  what));
}

Result<void> check_client_id(std::string_view text, std::string_view what, Reason reason) {
  if (is_uuid(text)) return {};
  return fail(ErrorKind::Invalid, reason,
              fmt::format("{} must be the application's (client) ID, a UUID: not its name, nor the ID of a "
                          "secret",
                          what));
}

}  // namespace abo::azure
