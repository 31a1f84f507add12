package org.lossmith.cli.quantize;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lossmith.DType;
import org.lossmith.PowerQuantizer;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.Json;
import org.lossmith.cli.files.TensorBytes;
import org.lossmith.cli.safetensors.QuantizedFormat;
import org.lossmith.cli.safetensors.SafetensorsEntry;
import org.lossmith.cli.safetensors.SafetensorsModel;
import org.lossmith.cli.safetensors.SafetensorsWriter;
import org.lossmith.cli.safetensors.SafetensorsWriter.Slot;

/**
 * A model of safetensors: its weights are the floating-point tensors of at least two dimensions,
 * whose first one counts the channels. All others are copied as they are. One weight is in memory
 * at a time; the output is one file.
 */
final class SafetensorsLayers implements LayeredModel {
  private static final Set<DType> WEIGHTS = Set.of(DType.F32, DType.F16, DType.BF16, DType.F64);
  private static final int MOST_DIMENSIONS = 8;
  private static final int COPY_BYTES = 1 << 24;

  private final Path in;
  private final SafetensorsModel model;
  private final Map<String, SafetensorsModel.Part> parts = new LinkedHashMap<>();
  private final List<Layer> layers = new ArrayList<>();
  private final Set<String> coded = new LinkedHashSet<>();
  private SafetensorsWriter writer;
  private Path out;

  private SafetensorsLayers(Path in, SafetensorsModel model) {
    this.in = in;
    this.model = model;
    for (SafetensorsModel.Part part : model.parts()) {
      SafetensorsEntry entry = part.entry();
      if (parts.put(entry.name(), part) != null) {
        throw new FailureException(
            String.format(
                "%s: tensor '%s' at offset %d: expected each name once, got it in another file,"
                    + " too",
                part.file().path(), entry.name(), entry.begin()));
      }
      int rank = entry.shape().length;
      if (rank >= 2
          && rank <= MOST_DIMENSIONS
          && entry.elements() > 0
          && entry.type() != null
          && WEIGHTS.contains(entry.type())) {
        layers.add(layer(entry));
      }
    }
  }

  private static Layer layer(SafetensorsEntry entry) {
    long rows = entry.shape()[0];
    return new Layer(
        entry.name(),
        "tensor",
        entry.dtype(),
        entry.shape(),
        rows,
        entry.elements() / rows,
        entry.bytes());
  }

  /** Opens a file or an index. */
  static SafetensorsLayers open(Path in) {
    SafetensorsModel model = SafetensorsModel.open(in);
    try {
      return new SafetensorsLayers(in, model);
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
  }

  @Override
  public List<Layer> layers() {
    return layers;
  }

  @Override
  public Set<Path> files() {
    Set<Path> files = new LinkedHashSet<>(model.paths());
    files.add(in);
    return files;
  }

  @Override
  public long bytes() throws IOException {
    long total = 0;
    for (Path path : files()) {
      total += Files.size(path);
    }
    return total;
  }

  @Override
  public Tensor matrix(Layer layer) {
    SafetensorsModel.Part part = parts.get(layer.name());
    Tensor stored = part.file().tensor(part.entry(), layer.rows(), layer.columns());
    if (stored.dtype() == DType.F32) {
      return stored;
    }
    try (stored) {
      return stored.to(DType.F32);
    }
  }

  @Override
  public String place(Layer layer, long row, long column) {
    SafetensorsEntry entry = parts.get(layer.name()).entry();
    long index = row * layer.columns() + column;
    long width = entry.bytes() / entry.elements();
    long[] place = new long[layer.shape().length];
    long rest = index;
    for (int i = place.length - 1; i >= 0; i--) {
      place[i] = rest % layer.shape()[i];
      rest /= layer.shape()[i];
    }
    return Arrays.toString(place) + ", offset " + (entry.begin() + index * width);
  }

  @Override
  public void begin(Path target, List<Layer> chosen, Scheme scheme) throws IOException {
    out = target;
    PowerQuantizer quantizer = scheme.quantizer();
    List<Slot> slots = new ArrayList<>();
    Map<String, Object> formats = new LinkedHashMap<>();
    for (Layer layer : chosen) {
      coded.add(layer.name());
      QuantizedFormat format = format(layer, scheme);
      formats.put(layer.name(), format);
      long bytes = quantizer.packedBytes(layer.columns());
      slots.add(
          new Slot(
              layer.name() + QuantizedFormat.CODES,
              "U8",
              new long[] {layer.rows(), bytes},
              layer.rows() * bytes));
      long[] shape = quantizer.groups().shape(layer.rows(), layer.columns());
      slots.add(floats(layer, QuantizedFormat.SCALE, shape));
      slots.add(
          floats(
              layer, QuantizedFormat.EXPONENT, scheme.exponentPerGroup() ? shape : new long[] {1}));
      if (scheme.isShifted()) {
        slots.add(floats(layer, QuantizedFormat.SHIFT, shape));
      }
    }
    for (SafetensorsModel.Part part : parts.values()) {
      SafetensorsEntry entry = part.entry();
      if (!coded.contains(entry.name())) {
        slots.add(new Slot(entry.name(), entry.dtype(), entry.shape(), entry.bytes()));
      }
    }
    Map<String, String> metadata = new LinkedHashMap<>(model.metadata());
    metadata.put(QuantizedFormat.KEY, Json.line(formats));
    checkNames(slots);
    writer = SafetensorsWriter.create(target, slots, metadata);
  }

  private static QuantizedFormat format(Layer layer, Scheme scheme) {
    PowerQuantizer quantizer = scheme.quantizer();
    return new QuantizedFormat(
        scheme.method().toString(),
        quantizer.bits(),
        QuantizedFormat.word(quantizer.range()),
        layer.dtype(),
        layer.shape(),
        quantizer.groups().axis(),
        quantizer.groups().columns());
  }

  private static Slot floats(Layer layer, String ending, long[] shape) {
    long count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    return new Slot(layer.name() + ending, "F32", shape, Float.BYTES * count);
  }

  private void checkNames(List<Slot> slots) {
    Map<String, Slot> names = new HashMap<>();
    for (Slot slot : slots) {
      if (names.put(slot.name(), slot) != null) {
        throw new FailureException(
            String.format(
                "%s: tensor '%s': expected no such name, which is that of a part of a quantized"
                    + " tensor, got one",
                in, slot.name()));
      }
    }
  }

  @Override
  public void put(Layer layer, CodedWeight codes) throws IOException {
    write(layer.name() + QuantizedFormat.CODES, codes.codes());
    write(layer.name() + QuantizedFormat.SCALE, codes.parameters().scale());
    write(layer.name() + QuantizedFormat.EXPONENT, codes.parameters().exponent());
    if (codes.parameters().shift() != null) {
      write(layer.name() + QuantizedFormat.SHIFT, codes.parameters().shift());
    }
  }

  private void write(String name, Tensor tensor) throws IOException {
    long[] at = {0};
    TensorBytes.forBlocks(
        tensor,
        block -> {
          int count = block.remaining();
          writer.write(name, at[0], block);
          at[0] += count;
        });
  }

  @Override
  public long commit() throws IOException {
    for (SafetensorsModel.Part part : parts.values()) {
      if (!coded.contains(part.entry().name())) {
        copy(part);
      }
    }
    writer.commit();
    return Files.size(out);
  }

  private void copy(SafetensorsModel.Part part) throws IOException {
    SafetensorsEntry entry = part.entry();
    ByteBuffer buffer =
        ByteBuffer.allocateDirect((int) Math.min(COPY_BYTES, Math.max(1, entry.bytes())));
    for (long from = 0; from < entry.bytes(); from += buffer.capacity()) {
      buffer.clear().limit((int) Math.min(buffer.capacity(), entry.bytes() - from));
      part.file().read(entry, from, buffer);
      writer.write(entry.name(), from, buffer);
    }
  }

  @Override
  public void close() throws IOException {
    model.close();
    if (writer != null) {
      writer.close();
    }
  }
}
