#include "cli/preview_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "azure/container_shape.h"
#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/text_table.h"

namespace abo::cli {
namespace {

constexpr std::chrono::hours month{30 * 24};
constexpr std::size_t max_text = 4096;  // a blob's name has 1,024 characters at most

template <class Take>
void each_outlook(Take take) {
  for (std::size_t i = 0; i < outlook_count; ++i) take(static_cast<Outlook>(i));
}

std::int64_t calls_per_poll(const PreviewReport& report) {
  return std::max(report.listing.pages, 1);
}

std::int64_t monthly(const PreviewReport& report, const api::Spec& spec) {
  return calls_per_month(calls_per_poll(report), std::chrono::seconds{spec.polling_interval_seconds});
}

double price(const PreviewReport& report, const api::Spec& spec) {
  return *report.price_per_10k * static_cast<double>(monthly(report, spec)) / 10'000;
}

// What the figures alone do not say.
std::vector<std::string> notes(const PreviewReport& report, const Survey& survey) {
  const api::Spec& spec = survey.plan().spec;
  std::vector<std::string> all;
  if (!report.complete)
    all.emplace_back("the listing was not read to its end: there may be more of everything");
  if (spec.suspend)
    all.emplace_back("the watcher is suspended: nothing is polled until spec.suspend is false");
  if (survey.replays_since()) {
    all.push_back(fmt::format("what was modified since {} is triggered once more (replay-since)",
                              format_rfc3339(*survey.replays_since())));
  }
  if (survey.holds()) {
    all.push_back(fmt::format(
        "more than {} blobs match and existingBlobs is not set: the watcher holds and creates nothing "
        "until it is Trigger or Ignore",
        grouped(checkpoint::max_unconfirmed_existing)));
  }
  if (spec.max_active > 0 && survey.count(Outlook::Triggers) > spec.max_active) {
    all.push_back(
        fmt::format("at most {} of its resources are unfinished at once (maxActive); the others wait",
                    grouped(spec.max_active)));
  }
  if (spec.max_triggers_per_poll > 0 && survey.count(Outlook::Triggers) > spec.max_triggers_per_poll) {
    all.push_back(fmt::format("at most {} are created in a poll (maxTriggersPerPoll)",
                              grouped(spec.max_triggers_per_poll)));
  }
  const auto& job = survey.plan().template_;
  if (!controllers::KindPolicy::defaults().check(job.api_version(), job.kind())) {
    all.push_back(fmt::format("the operator must be started with --allowed-kind \"{} {}\"", job.api_version(),
                              job.kind()));
  }
  if (report.listing.pages >= azure::ContainerShape::large_pages) {
    all.emplace_back(
        "a container of this size is listed in parts, which may take up to a quarter more calls");
  }
  if (report.listing.hierarchical) {
    all.emplace_back(
        "the account has a hierarchical namespace: a blob that is renamed or undeleted keeps its old "
        "Last-Modified and is not seen");
  }
  if (report.took > std::chrono::seconds{spec.polling_interval_seconds}) {
    all.emplace_back("a listing takes longer than pollingIntervalSeconds: polls come less often than that");
  }
  return all;
}

// ---- for programs ----

json::object to_json(const SurveyRow& row, const render::Template& job) {
  json::object object = {{"name", row.blob.name},
                         {"size", row.blob.size},
                         {"lastModified", format_rfc3339(row.blob.last_modified)},
                         {"etag", row.blob.etag},
                         {"verdict", to_string(row.outlook)}};
  if (row.outlook == Outlook::Triggers) {
    object["resource"] =
        json::object{{"apiVersion", job.api_version()}, {"kind", job.kind()}, {"name", row.name}};
  }
  if (!row.message.empty()) object["message"] = row.message;
  return object;
}

json::object summary(const Survey& survey) {
  json::object verdicts;
  each_outlook([&](Outlook outlook) { verdicts[to_string(outlook)] = survey.count(outlook); });
  return {{"listed", survey.listed()},
          {"matched", survey.matched()},
          {"verdicts", std::move(verdicts)},
          {"holds", survey.holds()}};
}

json::object polling(const PreviewReport& report, const api::Spec& spec) {
  json::object object = {{"intervalSeconds", spec.polling_interval_seconds},
                         {"listCallsPerPoll", calls_per_poll(report)},
                         {"listCallsPerMonth", monthly(report, spec)}};
  if (report.price_per_10k) object["pricePerMonth"] = price(report, spec);
  return object;
}

json::object to_json(const PreviewReport& report, Survey survey) {
  const api::Spec& spec = survey.plan().spec;
  json::object object = {
      {"watcher", {{"namespace", report.ns}, {"name", report.name}, {"stored", report.stored}}},
      {"container", survey.source().container_url},
      {"prefix", spec.blob_prefix},
      {"credential", report.credential},
      {"complete", report.complete},
      {"summary", summary(survey)},
      {"polling", polling(report, spec)}};
  json::array said;
  for (std::string& note : notes(report, survey)) said.emplace_back(std::move(note));
  object["notes"] = std::move(said);
  render::Template job = survey.plan().template_;
  auto shown = std::move(survey).finish();
  json::array blobs;
  for (const SurveyRow& row : shown.rows) blobs.push_back(to_json(row, job));
  object["blobs"] = std::move(blobs);
  object["notShown"] = shown.left_out;
  return object;
}

// ---- for people ----

std::string verdict_text(const SurveyRow& row) {
  std::string text(describe(row.outlook));
  if (row.outlook == Outlook::Triggers) text += " -> " + row.name;
  if (!row.message.empty()) text += ": " + row.message;
  return bounded_text(text, max_text);
}

void print_rows(const Survey::Shown& shown, std::ostream& out) {
  if (!shown.rows.empty()) {
    TextTable table({{"BLOB"}, {"SIZE", TextTable::Align::Right}, {"MODIFIED"}, {"VERDICT"}});
    for (const SurveyRow& row : shown.rows) {
      table.add({bounded_text(row.blob.name, max_text), fmt::to_string(row.blob.size),
                 format_rfc3339(row.blob.last_modified), verdict_text(row)});
    }
    table.print(out);
  }
  if (shown.left_out > 0) {
    out << fmt::format("... and {} older ones (--limit 0 shows all)\n", grouped(shown.left_out));
  }
  if (!shown.rows.empty()) out << '\n';
}

std::string polling_text(const PreviewReport& report, const api::Spec& spec) {
  std::int64_t calls = calls_per_poll(report);
  std::string text = fmt::format("{}{} list call{} a poll, a poll every {} s: {} list calls in 30 days",
                                 report.complete ? "" : "at least ", grouped(calls), calls == 1 ? "" : "s",
                                 spec.polling_interval_seconds, grouped(monthly(report, spec)));
  if (report.price_per_10k)
    text += fmt::format(", {:.2f} at {} per 10,000", price(report, spec), *report.price_per_10k);
  return text;
}

void print_table(const PreviewReport& report, Survey survey, std::ostream& out) {
  const api::Spec spec = survey.plan().spec;
  TextTable facts({{""}, {""}});
  facts.add({"watcher", fmt::format("{}/{}, {}", report.ns, report.name,
                                    report.stored ? "as the cluster has it, with its checkpoint"
                                                  : "from a file, as if it were new")});
  facts.add({"container", survey.source().container_url});
  facts.add({"credential", report.credential});
  if (!spec.blob_prefix.empty()) facts.add({"prefix", bounded_text(spec.blob_prefix, max_text)});
  facts.add({"listed", grouped(survey.listed())});
  facts.add({"matched", grouped(survey.matched())});
  each_outlook([&](Outlook outlook) {
    std::int64_t count = survey.count(outlook);
    if (count > 0 || outlook == Outlook::Triggers)
      facts.add({std::string(describe(outlook)), grouped(count)});
  });
  facts.add({"polling", polling_text(report, spec)});
  for (std::string& note : notes(report, survey)) facts.add({"note", std::move(note)});
  print_rows(std::move(survey).finish(), out);
  facts.print(out);
}

}  // namespace

std::int64_t calls_per_month(std::int64_t calls, std::chrono::seconds interval) {
  return calls * (std::chrono::seconds(month) / std::max(interval, std::chrono::seconds{1}));
}

void print(const PreviewReport& report, Survey survey, OutputFormat format, std::ostream& out) {
  switch (format) {
    case OutputFormat::Table:
      return print_table(report, std::move(survey), out);
    case OutputFormat::Json:
    case OutputFormat::Yaml:
      return print_value(to_json(report, std::move(survey)), format, out);
  }
}

}  // namespace abo::cli
