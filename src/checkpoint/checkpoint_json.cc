// How a checkpoint is written into the watcher's status and read back.
#include <algorithm>
#include <cmath>
#include <utility>

#include "checkpoint/checkpoint.h"

namespace abo::checkpoint {
namespace {

// Never renumber. A checkpoint with replays has a version of its own: who knows nothing of them would work out other keys,
// so it must not read it.
constexpr std::int64_t without_replays = 1;
constexpr std::int64_t with_replays = 2;

std::unexpected<Error> damaged(std::string_view what) {
  return fail(
      ErrorKind::Invalid, Reason::InvalidCheckpoint,
      "status.checkpoint cannot be read (" + std::string(what) +
          "); nothing is triggered until it is repaired. To start over, delete and re-create the watcher");
}

json::object blob_to_json(const listing::BlobItem& blob) {
  json::object out{{"name", blob.name},
                   {"etag", blob.etag},
                   {"lastModified", format_rfc3339(blob.last_modified)},
                   {"size", blob.size}};
  if (!blob.content_type.empty()) out["contentType"] = blob.content_type;
  if (!blob.content_md5.empty()) out["contentMD5"] = blob.content_md5;
  return out;
}

WallTime time_of(const json::object& object, std::string_view field) {
  std::int64_t millis = find_int(object, {field}).value_or(0);
  return WallTime{std::chrono::milliseconds{std::max<std::int64_t>(0, millis)}};
}

Result<Postponed> postponed_from_json(const json::value& value) {
  const json::object* object = value.if_object();
  if (!object) return damaged("postponed holds something that is no object");
  auto last_modified = parse_rfc3339(find_string(*object, {"lastModified"}));
  auto size = find_int(*object, {"size"});
  auto attempts = find_int(*object, {"attempts"});
  if (!last_modified || !size || !attempts || find_string(*object, {"name"}).empty()) {
    return damaged("a postponed blob lacks a field");
  }
  if (*size < 0 || !std::in_range<std::uint32_t>(*attempts)) {
    return damaged("a postponed blob has an impossible size or number of attempts");
  }
  Postponed out;
  out.blob.name = find_string(*object, {"name"});
  out.blob.etag = find_string(*object, {"etag"});
  out.blob.last_modified = *last_modified;
  out.blob.size = *size;
  out.blob.content_type = find_string(*object, {"contentType"});
  out.blob.content_md5 = find_string(*object, {"contentMD5"});
  out.attempts = static_cast<std::uint32_t>(*attempts);
  out.fallback = find_bool(*object, {"fallback"});
  out.retry_at = time_of(*object, "retryAtMillis");
  auto reason = reason_from_string(find_string(*object, {"reason"}));
  out.reason = reason.value_or(Reason::Internal);
  out.blob.copy_pending = out.reason == Reason::CopyPending;
  out.message = find_string(*object, {"message"});
  out.under_way_until = time_of(*object, "underWayUntilMillis");
  return out;
}

// `values`: may be nullptr.
Result<Replays> replays_from_json(const json::array* values) {
  std::vector<ServiceTime> times;
  if (values && values->size() > Replays::capacity) return damaged("it has too many replays");
  for (const json::value& value : values ? *values : json::array{}) {
    auto since = value.is_string() ? parse_rfc3339(value.get_string()) : std::nullopt;
    if (!since) return damaged("replays holds something that is no time");
    times.push_back(*since);
  }
  return Replays(std::move(times));
}

// 1e400 is read as infinity, which cannot be written as JSON again.
bool has_infinity(const json::value& value) {
  if (const double* number = value.if_double()) return !std::isfinite(*number);
  if (const json::array* list = value.if_array()) return std::ranges::any_of(*list, has_infinity);
  const json::object* object = value.if_object();
  return object &&
         std::ranges::any_of(*object, [](const auto& member) { return has_infinity(member.value()); });
}

}  // namespace

json::object to_json(const Checkpoint& checkpoint) {
  json::object out{{"version", checkpoint.replays.empty() ? without_replays : with_replays},
                   {"source", checkpoint.source},
                   {"cursor", json::object{{"lastModified", format_rfc3339(checkpoint.cursor.last_modified)},
                                           {"name", checkpoint.cursor.name}}}};
  if (checkpoint.recent.size() > 0) out["recent"] = checkpoint.recent.encode();
  if (!checkpoint.postponed.empty()) {
    json::array list;
    for (const Postponed& p : checkpoint.postponed) {
      json::object entry = blob_to_json(p.blob);
      entry["attempts"] = p.attempts;
      if (p.fallback) entry["fallback"] = true;
      entry["retryAtMillis"] = p.retry_at.time_since_epoch().count();
      if (p.under_way_until != WallTime{})
        entry["underWayUntilMillis"] = p.under_way_until.time_since_epoch().count();
      entry["reason"] = to_string(p.reason);
      entry["message"] = p.message;
      list.push_back(std::move(entry));
    }
    out["postponed"] = std::move(list);
  }
  if (!checkpoint.replays.empty()) {
    json::array list;
    for (ServiceTime since : checkpoint.replays.newest_first()) list.emplace_back(format_rfc3339(since));
    out["replays"] = std::move(list);
  }
  if (!checkpoint.previous.empty()) out["previous"] = checkpoint.previous;
  return out;
}

Result<Checkpoint> from_json(const json::value& value) {
  const json::object* object = value.if_object();
  if (!object) return damaged("it is no object");
  auto version = find_int(*object, {"version"});
  if (version != without_replays && version != with_replays) return damaged("its version is not 1 or 2");
  auto cursor_time = parse_rfc3339(find_string(*object, {"cursor", "lastModified"}));
  if (!cursor_time) return damaged("cursor.lastModified is no time");
  Checkpoint out;
  out.source = find_string(*object, {"source"});
  if (out.source.empty()) return damaged("source is missing");
  for (auto [field, kind] : {std::pair{"recent", json::kind::string},
                             {"postponed", json::kind::array},
                             {"replays", json::kind::array},
                             {"previous", json::kind::array}}) {
    const json::value* value_of_field = object->if_contains(field);
    if (value_of_field && value_of_field->kind() != kind)
      return damaged(std::string(field) + " is of the wrong type");
  }
  out.cursor = {*cursor_time, std::string(find_string(*object, {"cursor", "name"}))};
  auto recent = RecentKeys::decode(find_string(*object, {"recent"}));
  if (!recent) return pass(recent);
  out.recent = std::move(*recent);
  if (const json::array* list = find_array(*object, {"postponed"})) {
    for (const json::value& entry : *list) {
      auto postponed = postponed_from_json(entry);
      if (!postponed) return pass(postponed);
      out.postponed.push_back(std::move(*postponed));
    }
  }
  auto replays = replays_from_json(find_array(*object, {"replays"}));
  if (!replays) return pass(replays);
  out.replays = std::move(*replays);
  if (out.replays.empty() != (version == without_replays))
    return damaged("its version and its replays disagree");
  if (const json::array* list = find_array(*object, {"previous"})) {
    if (std::ranges::any_of(*list, has_infinity)) return damaged("a number in previous is too large");
    out.previous = *list;
  }
  return out;
}

bool was_at(const Checkpoint& checkpoint, std::string_view source) {
  return std::ranges::any_of(checkpoint.previous, [&](const json::value& p) {
    return p.is_object() && find_string(p.get_object(), {"source"}) == source;
  });
}

Result<Checkpoint> move_to(const Checkpoint& left, Checkpoint fresh) {
  Checkpoint there = std::move(fresh);
  json::array previous;
  Checkpoint leaving = left;
  leaving.previous.clear();
  previous.push_back(to_json(leaving));
  bool found = false;
  for (const json::value& entry : left.previous) {
    if (entry.is_object() && find_string(entry.get_object(), {"source"}) == there.source) {
      if (std::exchange(found, true)) continue;  // the newest counts: its cursor is the farthest
      auto known = from_json(entry);
      if (!known) return pass(known);
      there = std::move(*known);
    } else if (previous.size() < Checkpoint::max_previous) {
      previous.push_back(entry);
    }
  }
  there.previous = std::move(previous);
  return there;
}

}  // namespace abo::checkpoint
