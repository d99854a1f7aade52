// Wiring only: the command line does the rest.
int main() { return 0; }
