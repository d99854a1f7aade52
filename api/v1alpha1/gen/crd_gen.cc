// Prints what is generated from the table of fields: `crd_gen crd` the CustomResourceDefinition as YAML,
// `crd_gen reference` the reference page. A unit test compares both with the files in config/crd and
// docs/reference.
#include <iostream>
#include <string_view>

#include "api/v1alpha1/reference.h"
#include "api/v1alpha1/schema.h"

int main(int argc, char** argv) {
  std::string_view what = argc == 2 ? argv[1] : "";
  if (what == "crd") {
    std::cout << abo::api::crd_file();
  } else if (what == "reference") {
    std::cout << abo::api::reference_page();
  } else {
    std::cerr << "usage: crd_gen crd | reference\n";
    return 2;
  }
  return 0;
}
