// Which polls may run now: at most so many at once, and at most so many of one storage account, so that an account
// that hangs holds up its own watchers and nobody else's. Pure: ids in, ids out; the controller runs them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace abo::controllers {

using RowId = std::uint32_t;

class PollAdmission {
 public:
  // 64 polls hold about 64 * (128 KiB of receive buffer + one page's unfinished element); four to an account leave
  // room for sixteen accounts that hang at the same time. A poll is one, however it lists: that of a large container
  // reads up to 8 parts at once (azure::lists_in_flight), so an account may have 4 * 8 = 32 lists in flight, far below
  // what a storage account serves, and all accounts together 64 + 28 (BlobClientOptions::extra_lists: four split
  // listings' worth), each part with a buffer of 32 KiB: 8 parts hold no more than 2 * 128 KiB. When the extra ones are
  // taken, a split listing goes on with fewer lanes, at worst its own.
  struct Limits {
    std::size_t in_all = 64;
    std::size_t per_account = 4;
  };

  explicit PollAdmission(Limits limits) : limits_(limits) {}

  // Queues a poll. The caller queues a row at most once until it has run.
  void enqueue(RowId row, std::string_view account);

  struct Admitted {
    RowId row = 0;
    std::string account;  // as it was queued: for finished()
  };
  // The next poll that may start, counted as running from now on; accounts take turns.
  [[nodiscard]] std::optional<Admitted> next();

  // What next() gave has ended, or turned out to be nothing to run.
  void finished(const Admitted& admitted);

 private:
  struct Account {
    std::deque<RowId> waiting;
    std::size_t running = 0;
    bool in_turn = false;  // stands in turns_
  };
  void stand_in_turn(const std::string& name, Account& account);

  Limits limits_;
  std::unordered_map<std::string, Account> accounts_;  // only those with something waiting or running
  std::deque<std::string> turns_;                      // accounts that have something waiting and may run it
  std::size_t running_ = 0;
};

}  // namespace abo::controllers
