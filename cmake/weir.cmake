# How Weir's libraries are declared. One second-level folder of src/ is one static library, named after
# its path: src/core/graph is weir_core_graph. Include paths start at src/.
#
#   weir_library(core graph PURE
#     SOURCES graph.cc apply.cc            # relative to the folder
#     DEPS weir_core_ids weir_core_event   # other Weir libraries (public)
#     LIBS PkgConfig::yaml                 # third-party libraries (private)
#     TESTS graph_test.cc                  # GoogleTest/RapidCheck files beside the code
#     TEST_LIBS ...                        # extra libraries of the test only
#     ALONE brute_test.cc)                 # sources with names of their own that others of the folder have too
#
# Sources are compiled eight at a time, but for those under ALONE (a unity build: half of the time).
# Besides the library this makes weir_<layer>_<name>_test, and weir_<layer>_<name>_linked: the library with
# all of its objects linked with nothing but its declared dependencies, which proves the layering.
# PURE libraries are recorded for the check of imported symbols (scripts/check-purity).

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(GTest REQUIRED)
include(GoogleTest)

add_library(weir_options INTERFACE)
target_compile_features(weir_options INTERFACE cxx_std_20)
target_include_directories(weir_options INTERFACE "${PROJECT_SOURCE_DIR}/src")
target_compile_options(weir_options INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror
  -Wno-missing-field-initializers)  # designated initialisers leave the rest at the declared defaults
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these falsely in inlined library code (GCC PR105562, PR105651, PR107852) at -O2.
  target_compile_options(weir_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized
    -Wno-stringop-overflow -Wno-array-bounds -Wno-stringop-overread)
  if(WEIR_UNITY)
    # To g++ the sources that are compiled together are headers, whose types in anonymous namespaces would be a mistake.
    target_compile_options(weir_options INTERFACE -Wno-subobject-linkage)
  endif()
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12's own std::stable_sort uses what it declares deprecated.
  target_compile_options(weir_options INTERFACE -Wno-deprecated-declarations)
endif()
if(WEIR_SANITIZE)
  target_compile_options(weir_options INTERFACE -fsanitize=${WEIR_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(weir_options INTERFACE -fsanitize=${WEIR_SANITIZE})
endif()
if(WEIR_FUZZ)
  target_compile_options(weir_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

set_property(GLOBAL PROPERTY WEIR_PURE_LIBRARIES "")

# Files that include eight sources each, and the sources that are to be compiled alone. Included by their paths from src/, so that
# ccache knows them in whatever folder the tree lies; CMake's own unity builds name the whole path.
function(weir_together out name)
  cmake_parse_arguments(arg "" "" "SOURCES;ALONE" ${ARGN})
  set(compiled "")
  set(together "")
  foreach(source IN LISTS arg_SOURCES)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE OUTPUT_VARIABLE path)
    cmake_path(RELATIVE_PATH path BASE_DIRECTORY "${PROJECT_SOURCE_DIR}/src" OUTPUT_VARIABLE included)
    if(NOT WEIR_UNITY OR source IN_LIST arg_ALONE OR included MATCHES "^\\.\\.")
      list(APPEND compiled "${source}")
    else()
      list(APPEND together "#include \"${included}\"")
    endif()
  endforeach()
  set(number 0)
  while(together)
    list(SUBLIST together 0 8 batch)
    list(REMOVE_ITEM together ${batch})
    list(JOIN batch "\n" content)
    set(file "${CMAKE_CURRENT_BINARY_DIR}/${name}_${number}.cc")
    file(GENERATE OUTPUT "${file}" CONTENT "${content}\n")
    list(APPEND compiled "${file}")
    math(EXPR number "${number} + 1")
  endwhile()
  set(${out} ${compiled} PARENT_SCOPE)
endfunction()

function(weir_library layer name)
  cmake_parse_arguments(arg "PURE" "" "SOURCES;DEPS;LIBS;TESTS;TEST_LIBS;ALONE" ${ARGN})
  set(target weir_${layer}_${name})
  if(arg_SOURCES)
    weir_together(sources ${target} SOURCES ${arg_SOURCES} ALONE ${arg_ALONE})
    add_library(${target} STATIC ${sources})
    target_link_libraries(${target} PUBLIC weir_options ${arg_DEPS} PRIVATE ${arg_LIBS})
    file(GENERATE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${target}_linked.cc" CONTENT "int main() { return 0; }\n")
    add_executable(${target}_linked "${CMAKE_CURRENT_BINARY_DIR}/${target}_linked.cc")
    target_link_libraries(${target}_linked PRIVATE
      "-Wl,--whole-archive" "$<TARGET_FILE:${target}>" "-Wl,--no-whole-archive" weir_options ${arg_DEPS} ${arg_LIBS})
    add_dependencies(${target}_linked ${target})
    if(arg_PURE)
      set_property(GLOBAL APPEND PROPERTY WEIR_PURE_LIBRARIES ${target})
    endif()
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE weir_options ${arg_DEPS} ${arg_LIBS})
  endif()
  if(arg_TESTS)
    weir_together(tests ${target}_test SOURCES ${arg_TESTS} ALONE ${arg_ALONE})
    add_executable(${target}_test ${tests})
    # What tests say themselves need not be fast: compiled in three quarters of the time.
    target_compile_options(${target}_test PRIVATE "$<$<CONFIG:Release>:-O1>")
    target_link_libraries(${target}_test PRIVATE ${target} ${arg_TEST_LIBS} GTest::gtest GTest::gtest_main)
    gtest_discover_tests(${target}_test DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 TEST_PREFIX "${layer}/${name}: ")
  endif()
endfunction()

# A libFuzzer target: weir_fuzz(segment_decode fuzz_segment.cc DEPS weir_infrastructure_store). It is built
# under the fuzz preset only; its seed corpus, if any, is test/fuzz/corpus/<name>.
function(weir_fuzz name source)
  if(NOT WEIR_FUZZ)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "DEPS" ${ARGN})
  add_executable(fuzz_${name} ${source})
  target_link_libraries(fuzz_${name} PRIVATE weir_options ${arg_DEPS})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  set_property(GLOBAL APPEND PROPERTY WEIR_FUZZ_TARGETS fuzz_${name})
endfunction()

# RapidCheck with its GoogleTest glue, for TEST_LIBS.
add_library(weir_rapidcheck INTERFACE)
target_link_libraries(weir_rapidcheck INTERFACE rapidcheck)

function(weir_finish)
  get_property(pure GLOBAL PROPERTY WEIR_PURE_LIBRARIES)
  get_property(fuzz GLOBAL PROPERTY WEIR_FUZZ_TARGETS)
  set(files "")
  foreach(target IN LISTS pure)
    string(APPEND files "$<TARGET_FILE:${target}>\n")
  endforeach()
  file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/pure-libraries.txt" CONTENT "${files}")
  add_custom_target(fuzz_targets)
  if(fuzz)
    add_dependencies(fuzz_targets ${fuzz})
  endif()
endfunction()
