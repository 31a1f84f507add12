package org.lossmith.cli.eval;

/**
 * An input of an operation: a .npy file, for sets of labels a .npz file, behind a flag.
 *
 * @param name the name of the input in the C header; the flag has {@code -} for {@code _}
 * @param role how elements of the file become elements of the tensor
 * @param shape the shape as shown in the help, for example {@code [n,d]}
 * @param required whether the operation cannot do without it
 * @param description one line for the help
 */
record Input(String name, Role role, String shape, boolean required, String description) {
  /** How the elements of a file are taken. */
  enum Role {
    /** Data of the one element type that the operation computes in (see {@code --dtype}). */
    DATA,
    /** Floating-point numbers of any type, taken as they are. */
    MATRIX,
    /** Numbers that are f32 or f64 whatever the data is; f2 becomes f32. */
    VECTOR,
    /** Flags: anything but 0 is set. */
    MASK,
    /** Integers, which become i64. */
    INDEX,
    /** Bytes, signed or not, taken as they are. */
    CODES,
    /** A set of labels for each row: a matrix of SciPy in compressed rows, in a .npz file. */
    SETS
  }

  /** What the file is, for messages. */
  String format() {
    return role == Role.SETS ? ".npz" : ".npy";
  }

  /** The flag on the command line. */
  String flag() {
    return Flags.of(name);
  }
}
