package org.lossmith.cli.onnx;

import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashSet;
import java.util.Set;
import org.lossmith.DType;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.files.FileErrors;
import org.lossmith.cli.files.TensorBytes;

/**
 * The elements of the tensors of a model: in its own fields, as raw bytes, or in a file beside it
 * ("external data").
 */
public final class OnnxData {
  private final Path file;
  private final Set<Path> externalFiles = new LinkedHashSet<>();

  OnnxData(Path file) {
    this.file = file;
  }

  /**
   * Where the bytes of a tensor are in a file beside the model.
   *
   * @param file the file
   * @param offset the first byte
   * @param length how many
   */
  record Place(Path file, long offset, long length) {}

  /** The files beside the model that were read or looked at. */
  Set<Path> externalFiles() {
    return externalFiles;
  }

  /** Whether a tensor's bytes are in a file beside the model. */
  static boolean isExternal(TensorProto tensor) {
    return tensor.getDataLocation() == TensorProto.DataLocation.EXTERNAL;
  }

  /**
   * The number of elements.
   *
   * @throws FailureException for a negative extent or too many
   */
  public long elements(TensorProto tensor) {
    long count = 1;
    for (long extent : tensor.getDimsList()) {
      if (extent < 0) {
        throw bad(tensor, "expected extents >= 0, got " + tensor.getDimsList());
      }
      if (extent != 0 && count > Long.MAX_VALUE / 16 / extent) {
        throw bad(
            tensor, "expected a shape of less than 2^59 elements, got " + tensor.getDimsList());
      }
      count *= extent;
    }
    return count;
  }

  /** The bytes that the elements take. */
  public long bytes(TensorProto tensor) {
    return (elements(tensor) * type(tensor).bits() + Byte.SIZE - 1) / Byte.SIZE;
  }

  /**
   * The element type.
   *
   * @throws FailureException for one that ONNX does not know
   */
  public OnnxType type(TensorProto tensor) {
    OnnxType type = OnnxType.of(tensor);
    if (type == null) {
      throw bad(tensor, "expected a data type of ONNX, 1 to 23, got " + tensor.getDataType());
    }
    return type;
  }

  /**
   * Reads a tensor of floating-point elements.
   *
   * @return a new tensor on the CPU, one-dimensional, F32; the caller closes it
   */
  public Tensor floats(TensorProto tensor) {
    DType type = type(tensor).type();
    try (Tensor stored = Tensor.zeros(type, elements(tensor))) {
      if (isExternal(tensor)) {
        readExternal(tensor, stored);
      } else if (tensor.hasRawData()) {
        ByteString raw = tensor.getRawData();
        checkBytes(tensor, raw.size(), stored.bytes());
        if (stored.elements() > 0) {
          raw.copyTo(buffer(stored));
        }
      } else {
        readFields(tensor, stored);
      }
      return stored.to(DType.F32);
    }
  }

  private void readFields(TensorProto tensor, Tensor stored) {
    int count =
        switch (stored.dtype()) {
          case F32 -> tensor.getFloatDataCount();
          case F64 -> tensor.getDoubleDataCount();
          default -> tensor.getInt32DataCount();
        };
    if (count != stored.elements()) {
      throw bad(
          tensor,
          String.format(
              "expected %d elements for shape %s, got %d",
              stored.elements(), tensor.getDimsList(), count));
    }
    if (count == 0) {
      return;
    }
    ByteBuffer target = buffer(stored);
    for (int i = 0; i < count; i++) {
      switch (stored.dtype()) {
        case F32 -> target.putFloat(tensor.getFloatData(i));
        case F64 -> target.putDouble(tensor.getDoubleData(i));
        default -> target.putShort((short) tensor.getInt32Data(i));
      }
    }
  }

  private void readExternal(TensorProto tensor, Tensor stored) {
    Place place = place(tensor);
    checkBytes(tensor, place.length(), stored.bytes());
    try (FileChannel channel = FileChannel.open(place.file(), StandardOpenOption.READ)) {
      channel.position(place.offset());
      TensorBytes.forBlocks(stored, block -> TensorBytes.readFully(channel, block));
    } catch (IOException e) {
      throw FileErrors.of(place.file(), e);
    }
  }

  /**
   * Where the bytes of a tensor with external data are.
   *
   * @throws FailureException if the file is not there or too short, or outside of the model's
   *     folder
   */
  Place place(TensorProto tensor) {
    String location = external(tensor, "location", "");
    Path folder = file.toAbsolutePath().normalize().getParent();
    Path path = folder.resolve(location).normalize();
    if (location.isEmpty() || Path.of(location).isAbsolute() || !path.startsWith(folder)) {
      throw bad(
          tensor, "expected a location within the folder of the model, got '" + location + "'");
    }
    Path shown = file.resolveSibling(location);
    long offset = number(tensor, "offset", 0);
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long length = number(tensor, "length", Math.max(0, channel.size() - offset));
      if (offset > channel.size() - length) {
        throw new FailureException(
            String.format(
                "%s: tensor '%s': expected %d bytes at offset %d, got a file of %d bytes",
                shown, tensor.getName(), length, offset, channel.size()));
      }
      externalFiles.add(path);
      return new Place(path, offset, length);
    } catch (IOException e) {
      throw new FailureException(
          String.format("%s: tensor '%s': %s", shown, tensor.getName(), FileErrors.reason(e)), e);
    }
  }

  private long number(TensorProto tensor, String key, long otherwise) {
    String text = external(tensor, key, Long.toString(otherwise));
    try {
      long value = Long.parseLong(text);
      if (value >= 0) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Told below.
    }
    throw bad(tensor, "expected a number >= 0 as " + key + " of external data, got '" + text + "'");
  }

  private static String external(TensorProto tensor, String key, String otherwise) {
    for (StringStringEntryProto entry : tensor.getExternalDataList()) {
      if (entry.getKey().equals(key)) {
        return entry.getValue();
      }
    }
    return otherwise;
  }

  private void checkBytes(TensorProto tensor, long got, long expected) {
    if (got != expected) {
      throw bad(
          tensor,
          String.format(
              "expected %d bytes for %s %s, got %d",
              expected, type(tensor), tensor.getDimsList(), got));
    }
  }

  private static ByteBuffer buffer(Tensor tensor) {
    return tensor.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A failure that names the file and the tensor. */
  FailureException bad(TensorProto tensor, String message) {
    return new FailureException(file + ": tensor '" + tensor.getName() + "': " + message);
  }
}
