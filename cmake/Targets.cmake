# abo_library(NAME FOLDER [SMALL] DEPS ... [TEST_DEPS ...])
# Builds FOLDER's *.cc as library NAME and its *_test.cc as test program NAME_test. A library may only include
# headers of the folders it names in DEPS; scripts/check-arrows.py holds that in `make lint`.
# SMALL: built for size in a release, as befits what runs once a poll and not once a listed blob. Resident memory of an
# idle operator is mostly its code.
function(abo_library name folder)
  cmake_parse_arguments(arg "SMALL" "" "DEPS;TEST_DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE abo_flags)
    if(arg_SMALL)
      target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-Os>)
    endif()
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_DEPS})
  endif()
  if(ABO_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${name} ${arg_TEST_DEPS} abo_flags ${ABO_RAPIDCHECK_LIBRARY} GTest::gmock GTest::gtest_main)
    gtest_discover_tests(${name}_test TEST_PREFIX "${name}/" DISCOVERY_MODE PRE_TEST
      PROPERTIES LABELS unit TIMEOUT 120)
  endif()
endfunction()
