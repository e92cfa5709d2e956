// Stands in for kong and for nginx in the bench, and only there: what is measured is the way to them.
int main(void) { return 0; }
