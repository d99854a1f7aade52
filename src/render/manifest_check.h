// What a template may not say, found before anything is created: each complaint names the place and what to do.
#pragma once

#include <string_view>

#include "render/document.h"

namespace abo::render {

// Kind and apiVersion, the name's literal parts, namespace, fields and names that are ours to set, kinds that are
// never created. watcher_namespace "", expected_kind "": not known (offline), so not compared.
[[nodiscard]] Checked<void> check_manifest(const json::object& manifest, std::string_view expected_kind,
                                           std::string_view watcher_namespace);

// The name's form: every variable's value is legal by itself, so the literal text around it decides.
[[nodiscard]] Checked<void> check_name(const Text& name, const NameRule& rule, std::string_view pointer);

}  // namespace abo::render
