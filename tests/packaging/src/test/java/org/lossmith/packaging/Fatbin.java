package org.lossmith.packaging;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import java.util.TreeSet;

/**
 * What nvcc packs into the section {@code .nv_fatbin}: for each source file a header of 16 bytes
 * (magic number, version, bytes of the header, bytes of what follows) and then images, each with a
 * header of its own that says its kind and its architecture; the image itself may be compressed.
 */
final class Fatbin {
  private static final int MAGIC = 0xba55ed50;
  private static final int PTX = 1;

  private Fatbin() {}

  /** The images in a section, for example {@code sm_90} and {@code compute_90} (PTX). */
  static Set<String> architectures(byte[] section) {
    ByteBuffer bytes = ByteBuffer.wrap(section).order(ByteOrder.LITTLE_ENDIAN);
    Set<String> found = new TreeSet<>();
    for (int at = 0; at + 16 <= section.length; ) {
      if (bytes.getInt(at) != MAGIC) {
        at += 4; // Padding between two files.
        continue;
      }
      int image = at + bytes.getShort(at + 6);
      int end = Math.toIntExact(image + bytes.getLong(at + 8));
      while (image < end) {
        String kind = bytes.getShort(image) == PTX ? "compute_" : "sm_";
        found.add(kind + bytes.getInt(image + 28));
        image = Math.toIntExact(image + bytes.getInt(image + 4) + bytes.getLong(image + 8));
      }
      at = end;
    }
    return found;
  }
}
