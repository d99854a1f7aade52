// Keeps the process's resident memory at what it works with. Most of it is the program's own text: starting, TLS and the
// first pass touch nearly all of it, and an idle operator hardly any. Unmapping such pages costs nothing: they are read
// from the file (mostly from the page cache) when they are next needed. Freed heap goes back to the system as well.
#pragma once

namespace abo::runtime {

// Takes a few hundred microseconds, and as many page faults again afterwards: call it about twice a minute.
void give_back_idle_memory();

}  // namespace abo::runtime
