#include "runtime/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <stdexcept>
#include <string>

namespace abo::runtime {
namespace {

bool is_name(std::string_view text) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') && std::ranges::all_of(text, legal);
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void append_label(std::string& out, std::string_view name, std::string_view value) {
  out += out.back() == '{' ? "" : ",";
  out += name;
  out += "=\"";
  append_escaped(out, value, true);
  out += '"';
}

}  // namespace

void Histogram::observe(double value) {
  const auto bucket = std::ranges::lower_bound(*bounds_, value);  // bounds are inclusive
  ++counts_[static_cast<std::size_t>(bucket - bounds_->begin())];
  sum_ += value;
}

std::uint64_t Histogram::count() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

FamilyBase::FamilyBase(std::string name, std::string help, std::vector<std::string> labels)
    : name_(std::move(name)), help_(std::move(help)), labels_(std::move(labels)) {
  if (!is_name(name_)) throw std::logic_error("not a metric name: " + name_);
  for (const auto& label : labels_) {
    if (!is_name(label) || label.starts_with("__") || label == "le")
      throw std::logic_error("not a label name: " + label);
  }
}

void FamilyBase::check(const Values& values) const {
  if (values.size() != labels_.size()) throw std::logic_error("wrong number of label values for " + name_);
}

bool FamilyBase::matches(const Values& values, const LabelMatch& match) const {
  return std::ranges::all_of(match, [&](const auto& wanted) {
    const auto at = std::ranges::find(labels_, wanted.first);
    return at != labels_.end() && values[static_cast<std::size_t>(at - labels_.begin())] == wanted.second;
  });
}

void FamilyBase::expose_head(std::string& out, std::string_view type) const {
  out += "# HELP " + name_ + " ";
  append_escaped(out, help_, false);
  fmt::format_to(std::back_inserter(out), "\n# TYPE {} {}\n", name_, type);
}

void FamilyBase::expose_value(std::string& out, std::string_view suffix, const Values& values, double value,
                              std::string_view bucket) const {
  out += name_;
  out += suffix;
  if (!values.empty() || !bucket.empty()) {
    out += '{';
    for (std::size_t i = 0; i < values.size(); ++i) append_label(out, labels_[i], values[i]);
    if (!bucket.empty()) append_label(out, "le", bucket);
    out += '}';
  }
  out += ' ';
  append_number(out, value);
  out += '\n';
}

template <>
void Family<Counter>::expose(std::string& out) const {
  expose_head(out, "counter");
  for (const auto& [values, series] : series_) expose_value(out, "", values, series->value());
}

template <>
void Family<Gauge>::expose(std::string& out) const {
  expose_head(out, "gauge");
  for (const auto& [values, series] : series_) expose_value(out, "", values, series->value());
}

template <>
void Family<Histogram>::expose(std::string& out) const {
  expose_head(out, "histogram");
  for (const auto& [values, series] : series_) {
    std::uint64_t cumulated = 0;
    for (std::size_t i = 0; i < bounds_.size(); ++i) {
      cumulated += series->counts()[i];
      expose_value(out, "_bucket", values, static_cast<double>(cumulated), fmt::format("{}", bounds_[i]));
    }
    const auto count = static_cast<double>(series->count());
    expose_value(out, "_bucket", values, count, "+Inf");
    expose_value(out, "_sum", values, series->sum());
    expose_value(out, "_count", values, count);
  }
}

void ComputedGauge::expose(std::string& out) const {
  expose_head(out, "gauge");
  compute_([&](const Values& values, double value) {
    check(values);
    expose_value(out, "", values, value);
  });
}

void Registry::insert(std::string name, std::unique_ptr<FamilyBase> family) {
  if (families_.contains(name)) throw std::logic_error("two metrics are called " + name);
  families_.emplace(std::move(name), std::move(family));
}

void Registry::computed_gauge(std::string name, std::string help, std::vector<std::string> labels,
                              std::function<void(const Emit&)> compute) {
  auto family = std::make_unique<ComputedGauge>(name, std::move(help), std::move(labels), std::move(compute));
  insert(std::move(name), std::move(family));
}

template <class Series>
Family<Series>& Registry::add(std::string name, std::string help, std::vector<std::string> labels,
                              std::vector<double> bounds) {
  auto family = std::make_unique<Family<Series>>(name, std::move(help), std::move(labels), std::move(bounds));
  auto& made = *family;
  insert(std::move(name), std::move(family));
  return made;
}

Family<Counter>& Registry::counter(std::string name, std::string help, std::vector<std::string> labels) {
  return add<Counter>(std::move(name), std::move(help), std::move(labels));
}

Family<Gauge>& Registry::gauge(std::string name, std::string help, std::vector<std::string> labels) {
  return add<Gauge>(std::move(name), std::move(help), std::move(labels));
}

Family<Histogram>& Registry::histogram(std::string name, std::string help, std::vector<std::string> labels,
                                       std::vector<double> bounds) {
  if (bounds.empty() || !std::ranges::is_sorted(bounds, std::ranges::less_equal())) {
    throw std::logic_error("the bounds of " + name + " do not rise");
  }
  return add<Histogram>(std::move(name), std::move(help), std::move(labels), std::move(bounds));
}

void Registry::remove(const LabelMatch& match) {
  for (const auto& [name, family] : families_) family->remove(match);
}

std::string Registry::expose() const {
  for (const auto& update : updates_) update();
  std::string out;
  for (const auto& [name, family] : families_) family->expose(out);
  return out;
}

}  // namespace abo::runtime
