#include "runtime/resident_memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace abo::runtime {
namespace {

// What was mapped without the right to write is the file's content to the byte; whatever was written to, relocations
// too, lies in segments that have it.
int unmap_clean(dl_phdr_info* object, std::size_t, void*) {
  if (std::string_view(object->dlpi_name).starts_with("linux-")) return 0;  // the kernel's own, no file
  auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr + page - 1) / page * page;
    std::uintptr_t end = (object->dlpi_addr + segment.p_vaddr + segment.p_memsz) / page * page;
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void give_back_idle_memory() {
  malloc_trim(0);
  dl_iterate_phdr(&unmap_clean, nullptr);
}

}  // namespace abo::runtime
