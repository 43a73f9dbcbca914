//! The binary.

#[global_allocator]
static ALLOCATOR: ferrodis::base::sys::allocator::ProgramAllocator = ferrodis::base::sys::allocator::ProgramAllocator;

fn main() {}
