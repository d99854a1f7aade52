// Prints /metrics as the operator would, with a series of every metric there is: what promtool checks, and the names and
// labels that alerts and dashboard may use.
#include <cstdio>

#include "controllers/every_series.h"

int main() {
  std::fputs(abo::controllers::EverySeries(true).expose().c_str(), stdout);
}
