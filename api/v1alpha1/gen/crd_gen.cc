// Prints what is generated from the table of fields: `crd_gen crd` the CustomResourceDefinition as YAML,
// `crd_gen crd-pre-1.25` the same for older clusters, `crd_gen reference` the reference page. A unit test compares all
// with the files in config and docs/reference.
#include <iostream>
#include <string_view>

#include "api/v1alpha1/reference.h"
#include "api/v1alpha1/schema.h"

int main(int argc, char** argv) {
  std::string_view what = argc == 2 ? argv[1] : "";
  if (what == "crd") {
    std::cout << abo::api::crd_file(abo::api::CrdForm::WithRules);
  } else if (what == "crd-pre-1.25") {
    std::cout << abo::api::crd_file(abo::api::CrdForm::Plain);
  } else if (what == "reference") {
    std::cout << abo::api::reference_page();
  } else {
    std::cerr << "usage: crd_gen crd | crd-pre-1.25 | reference\n";
    return 2;
  }
  return 0;
}
