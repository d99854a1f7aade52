// A small Prometheus registry: counters, gauges and histograms in families with labels, and their text exposition
// (format 0.0.4). Our own, for the reason in docs/adr/0001-own-metrics-registry.md. On the event loop's thread alone.
//
// A reference to a series stays good until the series is removed; families live as long as the registry.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abo::runtime {

class Counter {
 public:
  void add(double amount = 1) { value_ += amount; }  // never negative
  void set_total(double total) { value_ = total; }   // of something that is counted elsewhere
  [[nodiscard]] double value() const { return value_; }

 private:
  double value_ = 0;
};

class Gauge {
 public:
  void set(double value) { value_ = value; }
  void add(double amount) { value_ += amount; }
  [[nodiscard]] double value() const { return value_; }

 private:
  double value_ = 0;
};

class Histogram {
 public:
  explicit Histogram(const std::vector<double>& bounds) : bounds_(&bounds), counts_(bounds.size() + 1) {}
  void observe(double value);
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] double sum() const { return sum_; }
  [[nodiscard]] const std::vector<double>& bounds() const { return *bounds_; }  // the family's
  [[nodiscard]] const std::vector<std::uint64_t>& counts() const {
    return counts_;
  }  // per bucket, not cumulated

 private:
  const std::vector<double>* bounds_;
  std::vector<std::uint64_t> counts_;
  double sum_ = 0;
};

using LabelMatch = std::vector<std::pair<std::string_view, std::string_view>>;  // label name, value

class FamilyBase {
 public:
  FamilyBase(std::string name, std::string help, std::vector<std::string> labels);
  virtual ~FamilyBase() = default;
  virtual void remove(const LabelMatch& match) = 0;
  virtual void expose(std::string& out) const = 0;

 protected:
  using Values = std::vector<std::string>;

  void expose_head(std::string& out, std::string_view type) const;
  void expose_value(std::string& out, std::string_view suffix, const Values& values, double value,
                    std::string_view bucket = {}) const;
  [[nodiscard]] bool matches(const Values& values, const LabelMatch& match) const;
  void check(const Values& values) const;

 private:
  std::string name_;
  std::string help_;
  std::vector<std::string> labels_;
};

template <class Series>
class Family final : public FamilyBase {
 public:
  Family(std::string name, std::string help, std::vector<std::string> labels, std::vector<double> bounds = {})
      : FamilyBase(std::move(name), std::move(help), std::move(labels)), bounds_(std::move(bounds)) {}

  // The series with these label values, in the order of the family's label names; made when it is not there yet.
  Series& with(std::vector<std::string> values = {}) {
    check(values);
    auto& series = series_[std::move(values)];
    if (!series) {
      if constexpr (std::is_same_v<Series, Histogram>) {
        series = std::make_unique<Series>(bounds_);
      } else {
        series = std::make_unique<Series>();
      }
    }
    return *series;
  }

  // Ends every series that has all these labels with these values; none when the family lacks one of the labels.
  void remove(const LabelMatch& match) override {
    std::erase_if(series_, [&](const auto& row) { return matches(row.first, match); });
  }

  [[nodiscard]] std::size_t size() const { return series_.size(); }
  void expose(std::string& out) const override;

 private:
  std::vector<double> bounds_;
  std::map<Values, std::unique_ptr<Series>> series_;
};

// One series of a family that is worked out when it is asked for.
using Emit = std::function<void(const std::vector<std::string>& values, double value)>;

class ComputedGauge final : public FamilyBase {
 public:
  ComputedGauge(std::string name, std::string help, std::vector<std::string> labels,
                std::function<void(const Emit&)> compute)
      : FamilyBase(std::move(name), std::move(help), std::move(labels)), compute_(std::move(compute)) {}

  void remove(const LabelMatch& /*match*/) override {}  // there is nothing kept
  void expose(std::string& out) const override;

 private:
  std::function<void(const Emit&)> compute_;
};

class Registry {
 public:
  // A name, a label or bounds that Prometheus would not take, or a name used twice, is a bug: std::logic_error.
  Family<Counter>& counter(std::string name, std::string help, std::vector<std::string> labels = {});
  Family<Gauge>& gauge(std::string name, std::string help, std::vector<std::string> labels = {});
  Family<Histogram>& histogram(std::string name, std::string help, std::vector<std::string> labels,
                               std::vector<double> bounds);

  // A gauge of what is kept elsewhere anyway: `compute` emits its series, each once, at every exposition.
  void computed_gauge(std::string name, std::string help, std::vector<std::string> labels,
                      std::function<void(const Emit&)> compute);

  // Called before each exposition, to set what is cheaper to read than to keep.
  void on_scrape(std::function<void()> update) { updates_.push_back(std::move(update)); }

  // In all families: remove({{"namespace", ns}, {"watcher", name}}) when a watcher goes.
  void remove(const LabelMatch& match);

  // The text for "text/plain; version=0.0.4", families by name.
  [[nodiscard]] std::string expose() const;

 private:
  void insert(std::string name, std::unique_ptr<FamilyBase> family);
  template <class Series>
  Family<Series>& add(std::string name, std::string help, std::vector<std::string> labels,
                      std::vector<double> bounds = {});

  std::map<std::string, std::unique_ptr<FamilyBase>> families_;
  std::vector<std::function<void()>> updates_;
};

inline constexpr const char* kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace abo::runtime
