#include "cli/output_format.h"

#include "base/json_text.h"
#include "base/yaml_writer.h"

namespace abo::cli {

void print_value(const json::value& value, OutputFormat format, std::ostream& out) {
  switch (format) {
    case OutputFormat::Json:
      out << to_json_text(value) << '\n';
      return;
    case OutputFormat::Table:
    case OutputFormat::Yaml:
      out << to_yaml(value);
      return;
  }
}

}  // namespace abo::cli
