// Host memory that runs out on command: what a test program links to make allocations of the library fail.
//
// The program that links alloc_hook.cpp gives all code of its process operator new and delete, strdup, fopen, fdopen,
// opendir, fdopendir and pthread_create. An allocation counts, and may fail, where the library asks for it: on a thread
// that the library made, or inside a call of the library that the test marks with InLibrary. What the test itself, the
// OpenCL loader or a driver in C allocate does not count. What CLBlast or a driver in C++ allocate neither counts nor
// fails: the stack tells who asks.
#pragma once

#include <cstdint>

namespace alloc_hook {

// The calling thread is the test's: only what it does inside InLibrary counts.
void this_thread_is_the_tests();

// From now on the n-th allocation that counts fails, n from 1; or that and all later ones.
void arm(long n, bool from_then_on);
void disarm();

long counted();  // allocations since arm() or disarm()
long failed();   // how many of them failed
long living();   // blocks of operator new that the library holds now

// From now on numbers[n - 1] becomes a number of the stack that asks for the n-th allocation, for `most` of them; null:
// no more.
void record_stacks(std::uint64_t *numbers, long most);

// Prints the stack of the first allocation that fails on stderr, from now on.
void print_stacks(bool print);

}  // namespace alloc_hook
