# Flags every target is built with. Hardening costs nothing measurable, so every build has it.
add_library(abo_flags INTERFACE)
target_include_directories(abo_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/src)
target_compile_options(abo_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Wswitch-enum -Werror
  -Wno-missing-designated-field-initializers
  -ffunction-sections -fdata-sections
  -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -ftrivial-auto-var-init=zero)
target_compile_definitions(abo_flags INTERFACE _GLIBCXX_ASSERTIONS ABO_VERSION="${PROJECT_VERSION}")
target_link_options(abo_flags INTERFACE -fuse-ld=lld -Wl,-z,relro,-z,now -Wl,--gc-sections)

if(ABO_SANITIZE)
  target_compile_options(abo_flags INTERFACE -fsanitize=${ABO_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(abo_flags INTERFACE -fsanitize=${ABO_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(abo_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  target_link_options(abo_flags INTERFACE -Wl,--icf=safe)
endif()

function(abo_link_options target)
  if(ABO_STATIC)
    # relr: relocations as a bitmap, 0.1 MB less of the compressed image; glibc knows it since 2.36.
    target_link_options(${target} PRIVATE -static-pie -s -Wl,--pack-dyn-relocs=relr)
  endif()
endfunction()
