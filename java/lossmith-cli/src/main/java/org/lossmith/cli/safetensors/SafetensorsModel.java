package org.lossmith.cli.safetensors;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lossmith.cli.FailureException;
import org.lossmith.cli.Json;
import org.lossmith.cli.files.FileErrors;

/**
 * A model in one file of safetensors, or in several with an index ({@code
 * model.safetensors.index.json}), whose member {@code weight_map} says for each tensor which file
 * beside the index has it.
 */
public final class SafetensorsModel implements AutoCloseable {
  /** How the name of an index ends. */
  public static final String INDEX = ".index.json";

  /**
   * A tensor and the file that has it.
   *
   * @param file the open file
   * @param entry the tensor
   */
  public record Part(SafetensorsFile file, SafetensorsEntry entry) {}

  private final List<SafetensorsFile> files = new ArrayList<>();
  private final List<Part> parts = new ArrayList<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  private SafetensorsModel() {}

  /**
   * Opens a file or, if its name ends with {@code .index.json}, all files of an index.
   *
   * @throws FailureException if a file is missing or damaged, or index and files disagree
   */
  public static SafetensorsModel open(Path path) {
    SafetensorsModel model = new SafetensorsModel();
    try {
      if (path.getFileName().toString().endsWith(INDEX)) {
        model.addIndex(path);
      } else {
        model.add(path).entries().forEach(e -> model.parts.add(new Part(model.files.get(0), e)));
      }
      return model;
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
  }

  /** The tensors, file by file. */
  public List<Part> parts() {
    return parts;
  }

  /** The files that hold the tensors. */
  public List<Path> paths() {
    return files.stream().map(SafetensorsFile::path).toList();
  }

  /** The strings of all files; of equal names the first counts. */
  public Map<String, String> metadata() {
    return metadata;
  }

  private SafetensorsFile add(Path path) {
    SafetensorsFile file = SafetensorsFile.open(path);
    files.add(file);
    file.metadata().forEach(metadata::putIfAbsent);
    return file;
  }

  private void addIndex(Path index) {
    Map<String, Set<String>> wanted = new LinkedHashMap<>();
    JsonNode map = weightMap(index);
    map.properties()
        .forEach(
            p ->
                wanted
                    .computeIfAbsent(p.getValue().asText(), f -> new LinkedHashSet<>())
                    .add(p.getKey()));
    for (Map.Entry<String, Set<String>> shard : wanted.entrySet()) {
      Path path = index.resolveSibling(shard.getKey());
      Set<String> names = shard.getValue();
      if (!Files.exists(path)) {
        throw new FailureException(
            String.format(
                "%s: expected file %s, which has tensor '%s', got no such file",
                index, path, names.iterator().next()));
      }
      SafetensorsFile file = add(path);
      for (SafetensorsEntry entry : file.entries()) {
        if (!names.remove(entry.name())) {
          throw new FailureException(
              String.format(
                  "%s: tensor '%s' at offset %d: expected it in the weight_map of %s, got %s",
                  path,
                  entry.name(),
                  entry.begin(),
                  index,
                  map.has(entry.name()) ? map.get(entry.name()).asText() : "no entry"));
        }
        parts.add(new Part(file, entry));
      }
      if (!names.isEmpty()) {
        throw new FailureException(
            String.format(
                "%s: expected tensor '%s', as %s says, got none",
                path, names.iterator().next(), index));
      }
    }
  }

  private static JsonNode weightMap(Path index) {
    try {
      JsonNode map = Json.read(Files.readString(index)).path("weight_map");
      if (map.isObject()) {
        return map;
      }
    } catch (IOException e) {
      throw FileErrors.of(index, e);
    } catch (IllegalArgumentException e) {
      throw new FailureException(
          index + ": expected an index of safetensors, got " + e.getMessage(), e);
    }
    throw new FailureException(
        index + ": expected an index of safetensors with a weight_map, got none");
  }

  @Override
  public void close() {
    files.forEach(SafetensorsFile::close);
  }
}
