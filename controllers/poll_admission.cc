#include "controllers/poll_admission.h"

namespace abo::controllers {

void PollAdmission::enqueue(RowId row, std::string_view account) {
  std::string name(account);
  Account& entry = accounts_[name];
  entry.waiting.push_back(row);
  stand_in_turn(name, entry);
}

void PollAdmission::stand_in_turn(const std::string& name, Account& account) {
  if (account.in_turn || account.waiting.empty() || account.running >= limits_.per_account) return;
  account.in_turn = true;
  turns_.push_back(name);
}

std::optional<PollAdmission::Admitted> PollAdmission::next() {
  if (running_ >= limits_.in_all || turns_.empty()) return std::nullopt;
  std::string name = std::move(turns_.front());
  turns_.pop_front();
  Account& account = accounts_.at(name);
  account.in_turn = false;
  RowId row = account.waiting.front();
  account.waiting.pop_front();
  ++account.running;
  ++running_;
  stand_in_turn(name, account);
  return Admitted{row, std::move(name)};
}

void PollAdmission::finished(const Admitted& admitted) {
  auto at = accounts_.find(admitted.account);
  if (at == accounts_.end()) return;
  --at->second.running;
  --running_;
  stand_in_turn(at->first, at->second);
  if (at->second.running == 0 && at->second.waiting.empty()) accounts_.erase(at);
}

}  // namespace abo::controllers
