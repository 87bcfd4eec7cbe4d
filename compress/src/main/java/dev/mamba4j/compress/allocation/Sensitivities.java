package dev.mamba4j.compress.allocation;

import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** What the types that may be chosen cost each matrix of a model. */
final class Sensitivities {
  private Sensitivities() {}

  /** The weighted errors of all types of all matrices, on all processors. */
  static Map<String, Sensitivity> start(
      List<SourceTensor> matrices, List<TensorType> types, Optional<ImportanceMatrix> importance)
      throws IOException {
    Map<String, Sensitivity> all = new LinkedHashMap<>();
    try (ExecutorService workers =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
      List<Callable<Sensitivity>> tasks = new ArrayList<>();
      for (SourceTensor matrix : matrices) {
        tasks.add(() -> new Sensitivity(errors(matrix, types, importance)));
      }
      List<Future<Sensitivity>> results = workers.invokeAll(tasks);
      for (int i = 0; i < matrices.size(); i++) {
        all.put(matrices.get(i).name(), results.get(i).get());
      }
      return all;
    } catch (ExecutionException e) {
      throw new IOException(e.getCause().getMessage(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private static Map<TensorType, Double> errors(
      SourceTensor matrix, List<TensorType> types, Optional<ImportanceMatrix> importance)
      throws IOException {
    Map<TensorType, Double> errors = new EnumMap<>(TensorType.class);
    for (TensorType type : types) {
      if (matrix.info().columns() % type.blockSize() == 0) {
        errors.put(type, WeightedError.of(matrix, type, importance));
      }
    }
    return errors;
  }
}
