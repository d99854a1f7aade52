// Takes our recording finalizer off a resource, once a checkpoint that knows its key has been written.
#pragma once

#include <functional>

#include "base/error.h"
#include "controllers/run_store.h"
#include "kube/client.h"
#include "kube/resource.h"

namespace abo::controllers {

// By JSON patch that tests the object's uid and the very entry first: a merge patch could drop others' finalizers, and
// a successor of the same name is not ours to touch. An object that is gone, or is another one by now, is success.
// Always with the operator's own identity. `finalizer_index`: where the entry stood when last seen; looked up again
// when that has changed. `may_send`: the lease check, asked again as each patch leaves.
// Errors: the client's.
[[nodiscard]] Task<Result<void>> remove_recording_finalizer(kube::Client& client, kube::Resource resource,
                                                            HeldRun run, std::size_t finalizer_index,
                                                            std::function<bool()> may_send);

}  // namespace abo::controllers
