package org.lossmith.cli.quantize;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.lossmith.Context;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.safetensors.SafetensorsModel;

/** The formats of models, told by the endings of names. */
public enum ModelFormat {
  ONNX,
  SAFETENSORS;

  /**
   * The format of a file.
   *
   * @throws FailureException if there is no such file, or its name ends otherwise
   */
  public static ModelFormat of(Path file) {
    if (!Files.exists(file)) {
      throw new FailureException(file + ": no such file or directory");
    }
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".onnx")) {
      return ONNX;
    }
    if (name.endsWith(".safetensors") || name.endsWith(SafetensorsModel.INDEX)) {
      return SAFETENSORS;
    }
    throw new FailureException(
        file + ": expected a file named *.onnx, *.safetensors or *.safetensors.index.json");
  }

  static LayeredModel open(Context context, Path in) {
    return of(in) == ONNX ? OnnxLayers.open(context, in) : SafetensorsLayers.open(in);
  }
}
