// kube's name for net/signal.h: a condition variable for coroutines.
#pragma once

#include "net/signal.h"

namespace abo::kube {

using net::Signal;
using net::until;

}  // namespace abo::kube
