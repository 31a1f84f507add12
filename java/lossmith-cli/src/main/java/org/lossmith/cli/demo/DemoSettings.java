package org.lossmith.cli.demo;

/**
 * The hyperparameters of the demo, the same for both losses.
 *
 * @param seed seed of the split, the embedding, the start vectors and the order of the pairs
 * @param epochs passes over the training pairs
 * @param batch pairs in a step: N of the N x N scores
 * @param width length d of the embeddings
 * @param buckets slots of the encoder's hash table
 * @param temperature divides the cosines
 * @param rate step size of Adagrad
 * @param labelEpochs passes over the names where a name looks for all its entities
 * @param labelBatch names in a step there
 * @param labelRate step size of names and entities there
 * @param languageShare share of the languages to read, 1 = all
 * @param threads CPU threads of the loss, 0 = all
 */
record DemoSettings(
    long seed,
    int epochs,
    int batch,
    int width,
    int buckets,
    double temperature,
    double rate,
    int labelEpochs,
    int labelBatch,
    double labelRate,
    double languageShare,
    int threads) {
  static final int EPOCHS = 4;
  static final int BATCH = 8192;
  static final int WIDTH = 128;
  static final int BUCKETS = 1 << 17;
  static final int LABEL_EPOCHS = 2;
  static final int LABEL_BATCH = 1024;
  static final double LABEL_RATE = 0.01;
  static final double HELD_OUT_LANGUAGES = 0.12;
  static final double HELD_OUT_NAMES = 0.10;
}
