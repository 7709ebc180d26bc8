# Installation: headers, both libraries, the CMake package `gpucompute`, gpucompute.pc, documents.
#
#   find_package(gpucompute)                  -> gpucompute::gpucompute, the C ABI; needs nothing else
#   find_package(gpucompute COMPONENTS core)  -> gpucompute::core too, the C++ core with what it stands on
include(CMakePackageConfigHelpers)

option(GPUCOMPUTE_INSTALL "Make the install target" ${PROJECT_IS_TOP_LEVEL})
if(NOT GPUCOMPUTE_INSTALL)
  return()
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gpucompute)
set_target_properties(gpucompute_core PROPERTIES EXPORT_NAME core)

# The core names libmd and CLBlast by their paths on this machine. An installed core names them as targets, which the
# package's config file looks up on the machine that uses it.
get_target_property(core_links gpucompute_core INTERFACE_LINK_LIBRARIES)
foreach(name md clblast)
  string(TOUPPER ${name}_LIBRARY path)
  set(path "${${path}}")
  if(path)
    list(APPEND core_needs ${name})
    string(REPLACE "${path}" "$<BUILD_INTERFACE:${path}>;$<INSTALL_INTERFACE:gpucompute::${name}>" core_links "${core_links}")
  endif()
endforeach()
set_target_properties(gpucompute_core PROPERTIES INTERFACE_LINK_LIBRARIES "${core_links}")

install(TARGETS gpucompute EXPORT gpucompute-library
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS gpucompute_core EXPORT gpucompute-core
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/gpucompute DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

# CMake package. Before 1.0 a minor version may change the ABI, as the SONAME does.
install(EXPORT gpucompute-library NAMESPACE gpucompute:: DESTINATION ${package_dir})
install(EXPORT gpucompute-core NAMESPACE gpucompute:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/gpucompute-config.cmake.in gpucompute-config.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
else()
  set(compatibility SameMajorVersion)
endif()
write_basic_package_version_file(gpucompute-config-version.cmake COMPATIBILITY ${compatibility})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gpucompute-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/gpucompute-config-version.cmake
  DESTINATION ${package_dir})

# pkg-config. The prefix is found from the file's own place, so that the installation can be moved.
set(pc_libdir ${CMAKE_INSTALL_FULL_LIBDIR})
set(pc_includedir ${CMAKE_INSTALL_FULL_INCLUDEDIR})
if(NOT IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(REGEX REPLACE "/$" "" up ${up})
  set(pc_prefix "\${pcfiledir}/${up}")
  set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
else()
  set(pc_prefix ${CMAKE_INSTALL_PREFIX})
endif()
if(NOT IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/gpucompute.pc.in gpucompute.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gpucompute.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL FILES_MATCHING PATTERN "*.md")
