# make package: Debian packages, cut as Debian does: libfovea0.1 (the shared library), libfovea-dev (headers, static library, CMake and
# pkg-config files, examples), fovea (the command, its manual pages, the data set that comes with it). The command carries the
# library in itself, so that it runs alone and a library of another version beside it changes nothing.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME fovea)
set(CPACK_PACKAGE_VENDOR "fovea")
set(CPACK_PACKAGE_CONTACT "fovea developers <fovea@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_COMPONENTS_ALL library development command)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(abi ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(about "fovea trains convolutional networks on the CPU, looks into them, and\nruns them: a C library without global state, and a command.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libfovea${abi})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
file(WRITE ${PROJECT_BINARY_DIR}/debian/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/debian/triggers)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "${about}\nThis package has the shared library.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libfovea-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
  "${about}\nThis package has the headers, the static library, files for pkg-config and\nCMake, and examples.")

set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME fovea)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION science)
set(CPACK_COMPONENT_COMMAND_DESCRIPTION
  "${about}\nThis package has the command, with 12,000 handwritten digits to begin with.")

# Loaded when they are first needed: archives of images, downloads.
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS "libarchive13 | libarchive13t64, libcurl4 | libcurl4t64")
set(CPACK_DEBIAN_COMMAND_PACKAGE_RECOMMENDS "${CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS}")

# What the static library links (fovea.pc's Requires.private), by the packages that hold those files here.
set(needs "libfovea${abi} (= ${PROJECT_VERSION})")
find_program(FOVEA_DPKG_QUERY dpkg-query)
if(FOVEA_DPKG_QUERY)
  foreach(module IN LISTS FOVEA_PKGCONFIG_REQUIRES)
    execute_process(COMMAND ${PKG_CONFIG_EXECUTABLE} --variable=pcfiledir ${module} OUTPUT_VARIABLE folder
      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    execute_process(COMMAND ${FOVEA_DPKG_QUERY} --search ${folder}/${module}.pc OUTPUT_VARIABLE package
      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    string(REGEX REPLACE "[:,].*" "" package "${package}")
    if(package)
      string(APPEND needs ", ${package}")
    endif()
  endforeach()
endif()
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${needs}")

# Debian wants a copyright file and a changelog in each package.
set(debian ${PROJECT_BINARY_DIR}/debian)
find_program(FOVEA_GZIP gzip REQUIRED)
foreach(component IN ITEMS library development command)
  string(TOUPPER ${component} upper)
  set(name ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  file(WRITE ${debian}/${name}/changelog "fovea (${PROJECT_VERSION}) unstable; urgency=medium\n\n  * See CHANGELOG.md in the sources.\n\n"
    " -- ${CPACK_PACKAGE_CONTACT}  Sun, 22 Nov 2026 12:00:00 +0000\n")
  execute_process(COMMAND ${FOVEA_GZIP} -9nf ${debian}/${name}/changelog)
  install(FILES ${PROJECT_SOURCE_DIR}/cmake/copyright ${debian}/${name}/changelog.gz DESTINATION share/doc/${name}
    COMPONENT ${component})
endforeach()
# And its manual pages compressed. This runs behind cmake/command.cmake's installation of them.
install(CODE "file(GLOB pages \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/man1/*.1\")
  execute_process(COMMAND ${FOVEA_GZIP} -9nf \${pages})" COMPONENT command)
include(CPack)
