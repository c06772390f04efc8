#include <mdp/plugin.h>

int main(void) { return sizeof(struct mdp_ops) > 8 ? 0 : 1; }
