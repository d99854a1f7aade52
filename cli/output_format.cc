#include "cli/output_format.h"

#include "base/yaml_writer.h"

namespace abo::cli {

void print_value(const json::value& value, OutputFormat format, std::ostream& out) {
  switch (format) {
    case OutputFormat::Json:
      out << json::serialize(value) << '\n';
      return;
    case OutputFormat::Table:
    case OutputFormat::Yaml:
      out << to_yaml(value);
      return;
  }
}

}  // namespace abo::cli
