// Which polls may run now. Three classes share nothing: the quick ones, whose last poll was over in a moment; the slow ones,
// which take seconds, since their container hangs or is huge; and those of whom that is not known yet. Each has its lanes,
// so many in all and so many for one storage account, in which accounts take turns. So what hangs delays what hangs, be it
// of one account or of many. Pure: ids in, ids out; the controller runs them, and says which have turned slow.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace abo::controllers {

using RowId = std::uint32_t;

enum class Pace : std::uint8_t { Unknown, Quick, Slow };

class PollAdmission {
 public:
  // 3 * 64 polls hold about 192 * (128 KiB of receive buffer + one page's unfinished element), 24 MiB if all of them are
  // receiving; one that hangs has touched none of it. Four of an account are over in a moment, or make room as they turn
  // slow; eight slow ones leave room for eight accounts that hang at the same time. A poll is one, however it lists: that of
  // a large container reads up to 8 parts at once (azure::lists_in_flight), so an account may have 16 * 8 = 128 lists in
  // flight, below what a storage account serves, and all accounts together 192 + 28 (BlobClientOptions::extra_lists: four
  // split listings' worth), each part with a buffer of 32 KiB: 8 parts hold no more than 2 * 128 KiB. When the extra ones are
  // taken, a split listing goes on with fewer lanes, at worst its own.
  struct Limits {
    std::size_t in_all = 64;  // of each class
    std::size_t per_account = 4;
    std::size_t slow_per_account = 8;
  };

  explicit PollAdmission(Limits limits)
      : lanes_{Lanes{limits.in_all, limits.per_account}, Lanes{limits.in_all, limits.per_account},
               Lanes{limits.in_all, limits.slow_per_account}} {}

  // Queues a poll, in the class in which it is expected to run. The caller queues a row at most once until it has run or
  // was withdrawn.
  void enqueue(RowId row, std::string_view account, Pace pace) { lanes(pace).enqueue(row, account); }
  // It waits no longer, if it did.
  void withdraw(RowId row);

  struct Admitted {
    RowId row = 0;
    std::string account;  // as it was queued: for finished()
    Pace pace = Pace::Unknown;
  };
  // The next poll that may start, counted as running from now on; accounts take turns.
  [[nodiscard]] std::optional<Admitted> next();

  // One takes long: it counts among the slow ones of `account` from now on (a first poll finds out only then whose it is).
  // False when these are too many thereby: the caller should end it if that does no harm, and queue it with them.
  [[nodiscard]] bool turned_slow(Admitted& admitted, std::string_view account);

  // What next() gave has ended, or turned out to be nothing to run.
  void finished(const Admitted& admitted) { lanes(admitted.pace).leave(admitted.account); }

 private:
  class Lanes {
   public:
    Lanes(std::size_t in_all, std::size_t per_account) : in_all_(in_all), per_account_(per_account) {}

    void enqueue(RowId row, std::string_view account);
    [[nodiscard]] bool withdraw(RowId row);
    [[nodiscard]] std::optional<Admitted> next();
    // Counts one as running that was not queued here. False: now there are more than may be.
    [[nodiscard]] bool enter(const std::string& account);
    void leave(const std::string& account);

   private:
    struct Account {
      std::deque<RowId> waiting;
      std::size_t running = 0;
      bool in_turn = false;  // stands in turns_
    };
    void stand_in_turn(const std::string& name, Account& account);

    std::size_t in_all_;
    std::size_t per_account_;
    std::unordered_map<std::string, Account>
        accounts_;                   // only those with something waiting or running, or in turn
    std::deque<std::string> turns_;  // accounts that have something waiting and may run it
    std::size_t running_ = 0;
  };
  [[nodiscard]] Lanes& lanes(Pace pace) { return lanes_[static_cast<std::size_t>(pace)]; }

  std::array<Lanes, 3> lanes_;  // by Pace
};

}  // namespace abo::controllers
