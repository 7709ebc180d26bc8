# Sweeps: every OpenCL call fails in turn, then every host allocation of the library. See README.md.
option(GPUCOMPUTE_FULL_SWEEPS "Every point of the fault sweeps, on all devices, instead of a sample of them" OFF)

add_library(capi_scenarios STATIC scenarios.cpp scenarios_gemm.cpp scenarios_tools.cpp sweep.cpp ${statuses})
target_include_directories(capi_scenarios PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
target_link_libraries(capi_scenarios PUBLIC capi_support gpuc_faults)
add_executable(capi_fault_tests fault_sweep_test.cpp)
target_link_libraries(capi_fault_tests PRIVATE capi_scenarios)
add_executable(capi_alloc_tests alloc_sweep_test.cpp ${PROJECT_SOURCE_DIR}/tests/faults/alloc_hook.cpp)
target_link_libraries(capi_alloc_tests PRIVATE capi_scenarios)

set(layer "OPENCL_LAYERS=$<TARGET_FILE:gpuc_fault_layer>")
set(fake "OCL_ICD_VENDORS=${GPUC_FAKE_VENDORS};GPUC_DEVICE=;GPUC_DEVICE_ENFORCE=")

# Of each change: a quarter of the OpenCL calls and every allocation on the fake ICD, a tenth of the OpenCL calls on
# whatever the system offers. Label one_core: for ctest -j, as they use one core each and no load disturbs them.
add_test(NAME capi.faults.fake COMMAND capi_fault_tests --every 4 --least 10000)
add_test(NAME capi.faults.alloc.0 COMMAND capi_alloc_tests --every 2 --offset 0)
add_test(NAME capi.faults.alloc.1 COMMAND capi_alloc_tests --every 2 --offset 1)
set_tests_properties(capi.faults.fake capi.faults.alloc.0 capi.faults.alloc.1 PROPERTIES LABELS faults TIMEOUT 3600
  ENVIRONMENT "${layer};${fake};GPUC_FAKE=")
add_test(NAME capi.faults.system COMMAND capi_fault_tests --every 10)
# Drivers leak what they cannot unmap; that the library releases all it made is counted by the layer.
set_tests_properties(capi.faults.system PROPERTIES TIMEOUT 3600 ENVIRONMENT "${layer};ASAN_OPTIONS=detect_leaks=0:use_sigaltstack=0")
set_tests_properties(capi.faults.alloc.0 capi.faults.alloc.1 capi.faults.system PROPERTIES LABELS "faults;one_core")

# Full: in four parts each, for ctest -j.
if(GPUCOMPUTE_FULL_SWEEPS)
  foreach(profile "" tiny nofp64,noargs unified two wg1 cl12)
    string(REPLACE "," "_" name "full.${profile}")
    foreach(part 0 1 2 3)
      add_test(NAME capi.faults.${name}.${part} COMMAND capi_fault_tests --every 4 --offset ${part})
      add_test(NAME capi.faults.alloc.${name}.${part} COMMAND capi_alloc_tests --every 4 --offset ${part})
      set_tests_properties(capi.faults.${name}.${part} capi.faults.alloc.${name}.${part} PROPERTIES
        LABELS "faults;full_faults" TIMEOUT 3600 ENVIRONMENT "${layer};${fake};GPUC_FAKE=${profile}")
    endforeach()
  endforeach()
  foreach(part RANGE 9)
    add_test(NAME capi.faults.full.system.${part} COMMAND capi_fault_tests --every 10 --offset ${part})
    set_tests_properties(capi.faults.full.system.${part} PROPERTIES LABELS "faults;full_faults" TIMEOUT 7200
      ENVIRONMENT "${layer};ASAN_OPTIONS=detect_leaks=0:use_sigaltstack=0")
  endforeach()
endif()
