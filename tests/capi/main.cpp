#include "support/test_main.hpp"
