package org.lossmith.cli.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.lossmith.cli.files.AtomicFile;

/**
 * Writes a model. What the model has in other files is taken into the file, as long as all of it is
 * small; else all large tensors go into one file beside it, named as the model with {@code .data}
 * appended: a file of ONNX ends at 2 GiB.
 */
public final class OnnxWriter {
  /** Up to so many bytes everything goes into one file. */
  public static final long ONE_FILE_BYTES = 1L << 30;

  private static final int SMALL_TENSOR_BYTES = 1024;
  private static final int ALIGNMENT = 64;
  private static final int BUFFER_BYTES = 1 << 20;

  private final OnnxModel model;
  private final long oneFileBytes;

  /**
   * Creates a writer.
   *
   * @param oneFileBytes up to so many bytes everything goes into one file
   */
  public OnnxWriter(OnnxModel model, long oneFileBytes) {
    this.model = model;
    this.oneFileBytes = oneFileBytes;
  }

  /** Where large tensors go, if there are too many for one file. */
  public static Path dataFile(Path file) {
    return file.resolveSibling(file.getFileName() + ".data");
  }

  /**
   * Writes the model; the files appear under their names when both are whole.
   *
   * @return the bytes of the files
   */
  public long write(Path file) throws IOException {
    GraphProto graph = model.proto().getGraph();
    boolean oneFile = bytes(graph) <= oneFileBytes;
    Path data = dataFile(file);
    try (AtomicFile out = AtomicFile.create(file);
        AtomicFile beside = oneFile ? null : AtomicFile.create(data)) {
      Moved moved = new Moved(beside, data.getFileName().toString());
      ModelProto result = model.proto().clone().setGraph(moved.graph(graph)).build();
      CodedOutputStream stream =
          CodedOutputStream.newInstance(Channels.newOutputStream(out.channel()), BUFFER_BYTES);
      result.writeTo(stream);
      stream.flush();
      if (beside != null) {
        beside.commit();
      }
      out.commit();
    }
    return Files.size(file) + (oneFile ? 0 : Files.size(data));
  }

  /** The bytes of all tensors. */
  private long bytes(GraphProto graph) {
    long total = 0;
    for (TensorProto tensor : graph.getInitializerList()) {
      total += bytes(tensor);
    }
    for (NodeProto node : graph.getNodeList()) {
      for (AttributeProto attribute : node.getAttributeList()) {
        total += attribute.hasT() ? bytes(attribute.getT()) : 0;
        total += attribute.hasG() ? bytes(attribute.getG()) : 0;
      }
    }
    return total;
  }

  private long bytes(TensorProto tensor) {
    return OnnxData.isExternal(tensor)
        ? model.data().place(tensor).length()
        : tensor.getSerializedSize();
  }

  /** Takes tensors to where they shall be. */
  private final class Moved {
    private final AtomicFile beside;
    private final String location;

    Moved(AtomicFile beside, String location) {
      this.beside = beside;
      this.location = location;
    }

    GraphProto graph(GraphProto graph) throws IOException {
      GraphProto.Builder result = graph.toBuilder();
      for (int i = 0; i < result.getInitializerCount(); i++) {
        result.setInitializer(i, tensor(result.getInitializer(i)));
      }
      for (NodeProto.Builder node : result.getNodeBuilderList()) {
        for (AttributeProto.Builder attribute : node.getAttributeBuilderList()) {
          if (attribute.hasT()) {
            attribute.setT(tensor(attribute.getT()));
          }
          if (attribute.hasG()) {
            attribute.setG(graph(attribute.getG()));
          }
        }
      }
      return result.build();
    }

    private TensorProto tensor(TensorProto tensor) throws IOException {
      boolean external = OnnxData.isExternal(tensor);
      boolean large =
          tensor.hasRawData() && tensor.getRawData().size() >= SMALL_TENSOR_BYTES || external;
      if (beside == null) {
        return external ? inside(tensor) : tensor;
      }
      if (!large) {
        return tensor;
      }
      FileChannel target = beside.channel();
      long offset = (target.size() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
      target.position(offset);
      if (external) {
        copy(model.data().place(tensor), target);
      } else {
        for (ByteBuffer part : tensor.getRawData().asReadOnlyByteBufferList()) {
          while (part.hasRemaining()) {
            target.write(part);
          }
        }
      }
      return tensor.toBuilder()
          .clearRawData()
          .clearExternalData()
          .setDataLocation(TensorProto.DataLocation.EXTERNAL)
          .addExternalData(entry("location", location))
          .addExternalData(entry("offset", Long.toString(offset)))
          .addExternalData(entry("length", Long.toString(target.position() - offset)))
          .build();
    }

    private TensorProto inside(TensorProto tensor) throws IOException {
      OnnxData.Place place = model.data().place(tensor);
      ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(place.length()));
      try (FileChannel source = FileChannel.open(place.file(), StandardOpenOption.READ)) {
        while (bytes.hasRemaining()) {
          if (source.read(bytes, place.offset() + bytes.position()) < 0) {
            throw new IOException(place.file() + " shrank while it was read");
          }
        }
      }
      return tensor.toBuilder()
          .clearExternalData()
          .clearDataLocation()
          .setRawData(ByteString.copyFrom(bytes.flip()))
          .build();
    }

    private void copy(OnnxData.Place place, FileChannel target) throws IOException {
      try (FileChannel source = FileChannel.open(place.file(), StandardOpenOption.READ)) {
        long done = 0;
        while (done < place.length()) {
          long count = source.transferTo(place.offset() + done, place.length() - done, target);
          if (count <= 0) {
            throw new IOException(place.file() + " shrank while it was read");
          }
          done += count;
        }
      }
    }

    private StringStringEntryProto entry(String key, String value) {
      return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
    }
  }
}
