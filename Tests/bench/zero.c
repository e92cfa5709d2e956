// Stands in for kong and nginx in the bench, which measures the way to them.
int main(void) { return 0; }
