// Who we are, kept fresh: token and certificate files are read again after a minute, an exec plugin is run again
// shortly before its credential expires, and everything is renewed when the API server answered 401. Renewing is single
// flight: others who need the credential meanwhile wait for the same one; after a failure they get its error for a
// second instead of starting the plugin once more each. While a renewal fails, a credential that has not expired stays
// in use, unless the server refused it. Single-threaded; outlives its coroutines.
#pragma once

#include <memory>
#include <optional>

#include "base/error.h"
#include "base/time.h"
#include "kube/exec_credential.h"
#include "kube/exec_process.h"
#include "kube/kube_config.h"
#include "kube/signal.h"
#include "net/task.h"

namespace abo::kube {

class Authenticator {
 public:
  // runner and clock outlive it.
  Authenticator(AuthInfo auth, Surroundings surroundings, CommandRunner& runner, const Clock& clock);

  // The credential for the next request. Errors: Unauthenticated ApiServerUnavailable.
  [[nodiscard]] Task<Result<std::shared_ptr<const Credential>>> current();

  // The server refused this one (401): the next current() renews. False when trying again cannot help: nothing to
  // renew, or it is only seconds old (a server that refuses everything must not start a plugin for each request).
  bool reject(const std::shared_ptr<const Credential>& credential);

 private:
  [[nodiscard]] bool fresh() const;
  [[nodiscard]] bool renewable() const;
  [[nodiscard]] Task<Result<Credential>> fetch();
  [[nodiscard]] Result<Credential> read_files() const;
  [[nodiscard]] Task<Result<Credential>> run_plugin();
  [[nodiscard]] Result<std::shared_ptr<const Credential>> settle(Result<Credential> fetched);

  AuthInfo auth_;
  Surroundings surroundings_;
  CommandRunner& runner_;
  const Clock& clock_;

  std::shared_ptr<const Credential> credential_;
  MonoTime fetched_{};
  std::optional<Error> failure_;  // of the last renewal
  MonoTime failed_{};
  bool renewing_ = false;
  Signal renewed_;
};

}  // namespace abo::kube
