#include "cli/preview_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/json.h"
#include "checkpoint/replay.h"
#include "controllers/replay_request.h"

namespace abo::cli {
namespace {

Outlook rejection(filter::Verdict verdict) {
  switch (verdict) {
    case filter::Verdict::Matches:
      return Outlook::Triggers;
    case filter::Verdict::PatternDoesNotMatch:
      return Outlook::PatternDoesNotMatch;
    case filter::Verdict::Excluded:
      return Outlook::Excluded;
    case filter::Verdict::TooSmall:
      return Outlook::TooSmall;
    case filter::Verdict::TooLarge:
      return Outlook::TooLarge;
  }
  return Outlook::Triggers;
}

bool newer(const SurveyRow& a, const SurveyRow& b) {
  if (a.blob.last_modified != b.blob.last_modified) return a.blob.last_modified > b.blob.last_modified;
  return a.blob.name < b.blob.name;
}

// In the order of their turn: of two blobs that make one name, the later one's resource gets the name with the hash.
void tell_names_apart(std::vector<SurveyRow>& newest_first) {
  std::unordered_set<std::string> taken;
  for (auto row = newest_first.rbegin(); row != newest_first.rend(); ++row) {
    if (row->outlook == Outlook::Triggers && !taken.insert(row->name).second) row->name = row->fallback;
  }
}

}  // namespace

std::string_view to_string(Outlook outlook) {
  switch (outlook) {
    case Outlook::Triggers:
      return "WouldTrigger";
    case Outlook::TooYoung:
      return "TooYoung";
    case Outlook::CopyPending:
      return "CopyPending";
    case Outlook::Postponed:
      return "Postponed";
    case Outlook::SetAside:
      return "SetAside";
    case Outlook::Handled:
      return "AlreadyHandled";
    case Outlook::Ignored:
      return "Ignored";
    case Outlook::PatternDoesNotMatch:
      return filter::to_string(filter::Verdict::PatternDoesNotMatch);
    case Outlook::Excluded:
      return filter::to_string(filter::Verdict::Excluded);
    case Outlook::TooSmall:
      return filter::to_string(filter::Verdict::TooSmall);
    case Outlook::TooLarge:
      return filter::to_string(filter::Verdict::TooLarge);
  }
  return "";
}

std::string_view describe(Outlook outlook) {
  switch (outlook) {
    case Outlook::Triggers:
      return "would trigger";
    case Outlook::TooYoung:
      return "waits: too young (minAgeSeconds)";
    case Outlook::CopyPending:
      return "waits: still being copied";
    case Outlook::Postponed:
      return "waits: to be tried again";
    case Outlook::SetAside:
      return "set aside";
    case Outlook::Handled:
      return "already handled";
    case Outlook::Ignored:
      return "ignored: was there before (existingBlobs)";
    case Outlook::PatternDoesNotMatch:
      return "rejected: blobPattern";
    case Outlook::Excluded:
      return "rejected: excluded (blobExcludePattern)";
    case Outlook::TooSmall:
      return "rejected: too small (minSizeBytes)";
    case Outlook::TooLarge:
      return "rejected: too large (maxSizeBytes)";
  }
  return "";
}

Result<Survey> Survey::make(SurveyOf of, Limits limits) {
  Survey survey(std::move(of), limits);
  if (auto known = survey.know(); !known) return pass(known);
  return survey;
}

// The checkpoint that the next poll would work by.
Result<void> Survey::know() {
  if (start_ == checkpoint::Start::IgnoreExisting) known_.move_cursor({ServiceTime::max(), {}});
  if (auto& stored = of_.checkpoint; stored && stored->source == known_.source) {
    known_ = *stored;
  } else if (stored) {
    auto moved = checkpoint::move_to(*stored, std::move(known_));
    if (!moved) return pass(moved);
    known_ = std::move(*moved);
  }
  if (auto since = controllers::replay_due(known_, of_.replay_wish)) {
    if (auto replayed = checkpoint::replay(known_, *since)) {
      known_ = std::move(*replayed);
      replays_since_ = since;
    }
  }
  identity_ = checkpoint::identity_of(known_, of_.source.watcher_uid);
  return {};
}

Survey::Survey(SurveyOf of, Limits limits)
    : of_(std::move(of)),
      limits_(limits),
      start_(checkpoint::start_at(of_.plan.spec, of_.checkpoint ? &*of_.checkpoint : nullptr,
                                  of_.source.container_url)),
      known_(checkpoint::begin_with_all(of_.source.container_url)),
      horizon_{.min_age = std::chrono::seconds{of_.plan.spec.min_age_seconds}} {}

void Survey::page_done(ServiceTime service_date) {
  horizon_.service_date = service_date;
  for (listing::BlobItem& blob : page_) take(std::move(blob));
  page_.clear();
}

void Survey::take(listing::BlobItem blob) {
  SurveyRow row{.blob = std::move(blob), .name = {}, .fallback = {}, .message = {}};
  row.outlook = judge(listing::view(row.blob));
  if (row.outlook == Outlook::Triggers) render(row);
  ++counts_[static_cast<std::size_t>(row.outlook)];
  if (wanted(row.outlook)) keep(std::move(row));
}

Outlook Survey::judge(const listing::BlobView& blob) const {
  auto verdict = of_.plan.filter.judge(blob);
  return verdict == filter::Verdict::Matches ? standing(blob) : rejection(verdict);
}

// Of a blob that passed the filters; in the order in which a pass asks.
Outlook Survey::standing(const listing::BlobView& blob) const {
  if (known_.is_postponed(blob.name, blob.etag)) return Outlook::Postponed;
  if (known_.is_done(identity_.key_of(blob), blob)) {
    return start_ == checkpoint::Start::IgnoreExisting ? Outlook::Ignored : Outlook::Handled;
  }
  if (blob.last_modified > horizon_.newest_takeable()) return Outlook::TooYoung;
  return blob.copy_pending ? Outlook::CopyPending : Outlook::Triggers;
}

void Survey::render(SurveyRow& row) const {
  auto key = identity_.key_of(listing::view(row.blob));
  auto made = of_.plan.template_.render(of_.source, controllers::blob_of(of_.plan.filter, row.blob, key));
  if (made) {
    row.name = find_string(made->object, {"metadata", "name"});
    row.fallback = std::move(made->fallback_name);
  } else {
    row.outlook = Outlook::SetAside;
    row.message = fmt::format("{}: {}", to_string(made.error().reason), made.error().message);
  }
}

bool Survey::wanted(Outlook outlook) const {
  switch (limits_.only) {
    case Only::All:
      return true;
    case Only::Triggering:
      return outlook == Outlook::Triggers;
    case Only::Rejected:
      return outlook != Outlook::Triggers;
  }
  return true;
}

void Survey::keep(SurveyRow row) {
  if (row.outlook == Outlook::Postponed) {
    for (const checkpoint::Postponed& waiting : known_.postponed) {
      if (waiting.blob.name == row.blob.name)
        row.message = fmt::format("{}: {}", abo::to_string(waiting.reason), waiting.message);
    }
  }
  if (limits_.rows > 0 && rows_.size() == limits_.rows) {
    ++left_out_;
    if (!newer(row, rows_.front())) return;
    std::ranges::pop_heap(rows_, newer);
    rows_.pop_back();
  }
  rows_.push_back(std::move(row));
  if (limits_.rows > 0) std::ranges::push_heap(rows_, newer);
}

std::int64_t Survey::listed() const {
  std::int64_t sum = 0;
  for (std::int64_t count : counts_) sum += count;
  return sum;
}

std::int64_t Survey::rejected() const {
  return count(Outlook::PatternDoesNotMatch) + count(Outlook::Excluded) + count(Outlook::TooSmall) +
         count(Outlook::TooLarge);
}

Survey::Shown Survey::finish() && {
  std::ranges::sort(rows_, newer);
  tell_names_apart(rows_);
  return {std::move(rows_), left_out_};
}

}  // namespace abo::cli
