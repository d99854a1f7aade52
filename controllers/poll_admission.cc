#include "controllers/poll_admission.h"

#include <algorithm>

namespace abo::controllers {

void PollAdmission::withdraw(RowId row) {
  static_cast<void>(std::ranges::any_of(lanes_, [row](Lanes& lanes) { return lanes.withdraw(row); }));
}

std::optional<PollAdmission::Admitted> PollAdmission::next() {
  for (Pace pace : {Pace::Quick, Pace::Unknown, Pace::Slow}) {
    auto admitted = lanes(pace).next();
    if (!admitted) continue;
    admitted->pace = pace;
    return admitted;
  }
  return std::nullopt;
}

bool PollAdmission::turned_slow(Admitted& admitted, std::string_view account) {
  finished(admitted);
  admitted.pace = Pace::Slow;
  admitted.account = account;
  return lanes(Pace::Slow).enter(admitted.account);
}

void PollAdmission::Lanes::enqueue(RowId row, std::string_view account) {
  std::string name(account);
  Account& entry = accounts_[name];
  entry.waiting.push_back(row);
  stand_in_turn(name, entry);
}

bool PollAdmission::Lanes::withdraw(RowId row) {
  return std::ranges::any_of(accounts_,
                             [row](auto& entry) { return std::erase(entry.second.waiting, row) > 0; });
}

void PollAdmission::Lanes::stand_in_turn(const std::string& name, Account& account) {
  if (account.in_turn || account.waiting.empty() || account.running >= per_account_) return;
  account.in_turn = true;
  turns_.push_back(name);
}

std::optional<PollAdmission::Admitted> PollAdmission::Lanes::next() {
  while (running_ < in_all_ && !turns_.empty()) {
    std::string name = std::move(turns_.front());
    turns_.pop_front();
    Account& account = accounts_.at(name);
    account.in_turn = false;
    if (account.running >= per_account_)
      continue;                     // by what turned slow since; leave() lets it stand in turn again
    if (account.waiting.empty()) {  // withdrawn
      if (account.running == 0) accounts_.erase(name);
      continue;
    }
    RowId row = account.waiting.front();
    account.waiting.pop_front();
    ++account.running;
    ++running_;
    stand_in_turn(name, account);
    return Admitted{.row = row, .account = std::move(name)};
  }
  return std::nullopt;
}

bool PollAdmission::Lanes::enter(const std::string& account) {
  ++running_;
  std::size_t running = ++accounts_[account].running;
  return running <= per_account_ && running_ <= in_all_;
}

void PollAdmission::Lanes::leave(const std::string& account) {
  auto at = accounts_.find(account);
  if (at == accounts_.end()) return;
  --at->second.running;
  --running_;
  stand_in_turn(at->first, at->second);
  bool idle = at->second.running == 0 && at->second.waiting.empty() && !at->second.in_turn;
  if (idle) accounts_.erase(at);
}

}  // namespace abo::controllers
