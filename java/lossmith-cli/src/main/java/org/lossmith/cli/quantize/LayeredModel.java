package org.lossmith.cli.quantize;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.lossmith.Tensor;

/** A model in some format: gives its weights and takes their codes. */
interface LayeredModel extends AutoCloseable {
  /** Its weights in the order of the model; none of them is empty. */
  List<Layer> layers();

  /** All files that it was read from, which must not be written. */
  Set<Path> files();

  /** All files that an output of this name may consist of. */
  default List<Path> outputs(Path out) {
    return List.of(out);
  }

  /** The bytes of the files that it was read from. */
  long bytes() throws IOException;

  /**
   * Reads a weight.
   *
   * @return F32 [rows,columns] on the CPU; the caller closes it
   */
  Tensor matrix(Layer layer);

  /** Where an element of a weight is, for messages: its indices and, if it has one, its offset. */
  String place(Layer layer, long row, long column);

  /**
   * Begins the output; nothing has its name before {@link #commit}.
   *
   * @param layers the weights that will be put, in any order
   * @param scheme what they will be
   */
  void begin(Path out, List<Layer> layers, Scheme scheme) throws IOException;

  /** Takes the codes of a weight, which the caller closes. */
  void put(Layer layer, CodedWeight codes) throws IOException;

  /**
   * Writes all that is left and gives the output its name.
   *
   * @return the bytes of the output
   */
  long commit() throws IOException;

  @Override
  void close() throws IOException;
}
