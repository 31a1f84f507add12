package example;

import org.lossmith.*;

public class ReadmeExample {
  public static void main(String[] args) {
    float[] images = {1, 0, 0.6f, 0.8f, -0.8f, 0.6f}; // three embeddings of width two
    float[] texts = {0.8f, 0.6f, 0, 1, -1, 0};
    try (Context context = Context.cpu();
        Tensor x = Tensor.of(images, 3, 2);
        Tensor y = Tensor.of(texts, 3, 2);
        LossResult result = InfoNce.symmetric(0.07).evaluate(context, x, y)) {
      System.out.println("loss " + result.loss());
      System.out.println("d loss / d x[0][0] " + result.gradient("x").toFloatArray()[0]);
    }
  }
}
