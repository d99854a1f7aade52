// What polls would make of a container's blobs: each judged by the very parts that a poll asks (filter, checkpoint,
// template), counted, and the newest of them kept to be shown. Pure; a container of any size passes through in constant
// memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/candidates.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/existing.h"
#include "checkpoint/horizon.h"
#include "controllers/pass_plan.h"
#include "listing/blob_item.h"

namespace abo::cli {

// What becomes of a blob. The filters' own verdicts stand at the end.
enum class Outlook : std::uint8_t {
  Triggers,     // the next poll makes its resource, as far as limits allow
  TooYoung,     // minAgeSeconds
  CopyPending,  // its content is still being copied
  Postponed,    // was tried, and is tried again: the checkpoint says so
  SetAside,     // its rendering fails: UnsafeName, TemplateError
  Handled,      // the checkpoint says that it is done
  Ignored,      // existingBlobs: Ignore
  PatternDoesNotMatch,
  Excluded,
  TooSmall,
  TooLarge,
};
inline constexpr std::size_t outlook_count = 11;
[[nodiscard]] std::string_view to_string(Outlook outlook);  // "WouldTrigger", "TooYoung": for programs
[[nodiscard]] std::string_view describe(Outlook outlook);   // "rejected: blobPattern": for people

enum class Only : std::uint8_t { All, Triggering, Rejected };

struct SurveyRow {
  listing::BlobItem blob;
  Outlook outlook = Outlook::Triggers;
  std::string name;      // of the resource that would be created; only with Triggers
  std::string fallback;  // its name when that is taken
  std::string message;   // why, with SetAside and Postponed
};

// A watcher and how it stands to its container.
struct SurveyOf {
  controllers::PassPlan plan;
  render::Source source;
  std::optional<checkpoint::Checkpoint> checkpoint;  // as stored; nothing: a new watcher
  std::string replay_wish = {};                      // its annotation replay-since
};

struct SurveyLimits {
  std::size_t rows = 100;  // to be shown; 0: all, and then memory grows with them
  Only only = Only::All;
};

class Survey {
 public:
  using Limits = SurveyLimits;

  // Errors: InvalidCheckpoint.
  static Result<Survey> make(SurveyOf of, Limits limits);

  // A page may fail halfway and come again: what it showed counts once it was read to its end.
  void offer(const listing::BlobView& blob) { page_.push_back(listing::own(blob)); }
  void page_failed() { page_.clear(); }
  void page_done(ServiceTime service_date);  // of the listing's first page

  [[nodiscard]] std::int64_t count(Outlook outlook) const {
    return counts_[static_cast<std::size_t>(outlook)];
  }
  [[nodiscard]] std::int64_t listed() const;
  [[nodiscard]] std::int64_t matched() const { return listed() - rejected(); }
  [[nodiscard]] std::int64_t rejected() const;  // by the filters
  // A poll would create nothing, since nobody has chosen what becomes of so many blobs.
  [[nodiscard]] bool holds() const { return checkpoint::must_hold(start_, matched()); }
  // The time of a replay that the next poll begins with.
  [[nodiscard]] const std::optional<ServiceTime>& replays_since() const { return replays_since_; }
  [[nodiscard]] const controllers::PassPlan& plan() const { return of_.plan; }
  [[nodiscard]] const render::Source& source() const { return of_.source; }

  struct Shown {
    std::vector<SurveyRow> rows;  // newest first
    std::int64_t left_out = 0;    // of those that were asked for
  };
  // Once, at the end.
  [[nodiscard]] Shown finish() &&;

 private:
  Survey(SurveyOf of, Limits limits);
  [[nodiscard]] Result<void> know();
  void take(listing::BlobItem blob);
  [[nodiscard]] Outlook judge(const listing::BlobView& blob) const;
  [[nodiscard]] Outlook standing(const listing::BlobView& blob) const;
  void render(SurveyRow& row) const;
  [[nodiscard]] bool wanted(Outlook outlook) const;
  void keep(SurveyRow row);

  SurveyOf of_;
  Limits limits_;
  checkpoint::Start start_;
  checkpoint::Checkpoint known_;
  std::optional<ServiceTime> replays_since_;
  checkpoint::Identity identity_;
  checkpoint::Horizon horizon_;
  std::vector<listing::BlobItem> page_;
  std::array<std::int64_t, outlook_count> counts_{};
  std::vector<SurveyRow> rows_;  // a heap while there is a limit: the oldest on top
  std::int64_t left_out_ = 0;
};

}  // namespace abo::cli
