package org.lossmith.cli.train;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import org.lossmith.Tensor;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.files.AtomicFile;

/**
 * A training on disk: its identity, how far it is, all vectors and the states of the optimizers,
 * and a checksum. A process that is killed leaves a whole file at any time. The same training gives
 * the same bytes.
 */
final class CheckpointFile {
  private static final String MAGIC = "lossmith checkpoint 1";
  private static final int BUFFER_BYTES = 1 << 18;

  private final Path file;
  private final Map<String, String> identity;

  /**
   * Creates the place for the states of a training.
   *
   * @param identity what a training must share with the one that it continues, by flag
   */
  CheckpointFile(Path file, Map<String, String> identity) {
    this.file = file;
    this.identity = identity;
  }

  /** Whether there is something to continue from. */
  boolean exists() {
    return Files.exists(file);
  }

  /** Writes the state of now, in one go as seen from outside. */
  void save(TrainState state, LabelModel model) {
    try (AtomicFile fresh = AtomicFile.create(file)) {
      write(fresh, state, model);
      fresh.commit();
    } catch (IOException e) {
      throw new FailureException("--checkpoint " + file + ": cannot write: " + e.getMessage(), e);
    }
  }

  private void write(AtomicFile fresh, TrainState state, LabelModel model) throws IOException {
    CheckedOutputStream sum =
        new CheckedOutputStream(
            new BufferedOutputStream(Channels.newOutputStream(fresh.channel()), BUFFER_BYTES),
            new CRC32C());
    DataOutputStream out = new DataOutputStream(sum);
    out.writeUTF(MAGIC);
    out.writeInt(identity.size());
    for (Map.Entry<String, String> part : identity.entrySet()) {
      out.writeUTF(part.getKey());
      out.writeUTF(part.getValue());
    }
    out.writeInt(state.epoch);
    out.writeInt(state.position);
    out.writeLong(state.step);
    out.writeDouble(state.lossSum);
    out.writeInt(state.losses.size());
    for (double loss : state.losses) {
      out.writeDouble(loss);
    }
    write(out, model.encoder().table());
    write(out, model.encoder().state());
    Blocks.read(model.labels(), block -> write(out, block));
    if (model.labelState() != null) {
      Blocks.read(model.labelState(), block -> write(out, block));
    }
    out.writeLong(sum.getChecksum().getValue());
    out.flush();
  }

  /**
   * Continues from the file.
   *
   * @throws FailureException if it is damaged or of a training with another identity; the state and
   *     the model are then of no use
   */
  void load(TrainState state, LabelModel model) {
    try (InputStream stream = Files.newInputStream(file)) {
      CheckedInputStream sum =
          new CheckedInputStream(new BufferedInputStream(stream, BUFFER_BYTES), new CRC32C());
      DataInputStream in = new DataInputStream(sum);
      readIdentity(in);
      state.epoch = in.readInt();
      state.position = in.readInt();
      state.step = in.readLong();
      state.lossSum = in.readDouble();
      state.losses.clear();
      for (int i = in.readInt(); i > 0; i--) {
        state.losses.add(in.readDouble());
      }
      read(in, model.encoder().table());
      read(in, model.encoder().state());
      read(in, model.labels());
      if (model.labelState() != null) {
        read(in, model.labelState());
      }
      long expected = sum.getChecksum().getValue();
      if (in.readLong() != expected || in.read() >= 0) {
        throw damaged("its checksum does not fit", null);
      }
    } catch (EOFException e) {
      throw damaged("it ends early", e);
    } catch (IOException e) {
      throw damaged(e.getMessage(), e);
    }
  }

  private void readIdentity(DataInputStream in) throws IOException {
    byte[] start = in.readNBytes(2 + MAGIC.length());
    if (start.length < 2 + MAGIC.length()
        || !MAGIC.equals(new String(start, 2, MAGIC.length(), StandardCharsets.US_ASCII))) {
      throw damaged("it does not begin with '" + MAGIC + "'", null);
    }
    Map<String, String> found = new LinkedHashMap<>();
    for (int i = in.readInt(); i > 0; i--) {
      found.put(in.readUTF(), in.readUTF());
    }
    for (Map.Entry<String, String> part : identity.entrySet()) {
      String before = found.get(part.getKey());
      if (!part.getValue().equals(before)) {
        throw new FailureException(
            String.format(
                "--checkpoint %s: expected a training with %s %s, got one with %s;"
                    + " --restart begins anew",
                file, part.getKey(), part.getValue(), before));
      }
    }
  }

  private FailureException damaged(String reason, IOException cause) {
    return new FailureException(
        "--checkpoint "
            + file
            + ": expected a whole checkpoint, got a file that is none: "
            + reason
            + "; --restart begins anew",
        cause);
  }

  private static void write(DataOutputStream out, float[] values) throws IOException {
    byte[] bytes = new byte[Float.BYTES * Math.min(values.length, 1 << 16)];
    for (int from = 0; from < values.length; from += bytes.length / Float.BYTES) {
      int count = Math.min(values.length - from, bytes.length / Float.BYTES);
      ByteBuffer.wrap(bytes).asFloatBuffer().put(values, from, count);
      out.write(bytes, 0, Float.BYTES * count);
    }
  }

  private static void read(DataInputStream in, float[] values) throws IOException {
    byte[] bytes = new byte[Float.BYTES * Math.min(values.length, 1 << 16)];
    for (int from = 0; from < values.length; from += bytes.length / Float.BYTES) {
      int count = Math.min(values.length - from, bytes.length / Float.BYTES);
      in.readFully(bytes, 0, Float.BYTES * count);
      ByteBuffer.wrap(bytes).asFloatBuffer().get(values, from, count);
    }
  }

  private static void read(DataInputStream in, Tensor matrix) throws IOException {
    Blocks.<IOException>write(matrix, block -> read(in, block));
  }
}
