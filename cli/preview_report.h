// What `preview` found, printed for people or for programs. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "azure/blob_client.h"
#include "cli/output_format.h"
#include "cli/preview_survey.h"

namespace abo::cli {

struct PreviewReport {
  std::string ns;
  std::string name;
  bool stored = false;     // in the cluster, so that its checkpoint counts
  std::string credential;  // "Secret azure", "AZURE_STORAGE_KEY", "none"
  bool complete = false;   // the listing was read to its end
  azure::Listing listing;
  std::chrono::milliseconds took{0};
  std::optional<double> price_per_10k;
};

// List calls in 30 days of polls, when a poll takes `calls` and one begins every `interval`.
[[nodiscard]] std::int64_t calls_per_month(std::int64_t calls, std::chrono::seconds interval);

void print(const PreviewReport& report, Survey survey, OutputFormat format, std::ostream& out);

}  // namespace abo::cli
