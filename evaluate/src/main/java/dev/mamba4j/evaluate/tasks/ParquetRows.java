package dev.mamba4j.evaluate.tasks;

import dev.hardwood.metadata.ColumnChunk;
import dev.hardwood.metadata.ColumnMetaData;
import dev.hardwood.metadata.FileMetaData;
import dev.hardwood.metadata.RowGroup;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.hardwood.row.PqList;
import dev.hardwood.row.PqStruct;
import dev.hardwood.row.StructAccessor;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.BufferUnderflowException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Reads Parquet, the form in which the Hugging Face hub hands out data sets. Rows are as the same
 * rows would be in JSON: structs are objects, lists are arrays, whole numbers of any width are
 * longs.
 */
final class ParquetRows {
  /** How long the next row may take. */
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  /** Held, so that its level stays: the library tells at INFO which decoders it has chosen. */
  private static final Logger LIBRARY = Logger.getLogger("dev.hardwood");

  static {
    if (LIBRARY.getLevel() == null) {
      LIBRARY.setLevel(Level.WARNING);
    }
  }

  private final Path file;
  private final AtomicInteger done = new AtomicInteger(); // rows

  private ParquetRows(Path file) {
    this.file = file;
  }

  /**
   * The rows of a file; each knows its number, from 1.
   *
   * @throws FormatException naming the row where it becomes unreadable
   * @throws InterruptedIOException if the thread is interrupted
   */
  static List<JsonObject> read(Path file) throws IOException {
    return read(file, PATIENCE);
  }

  /**
   * Reads on a thread of its own, since the library (1.0.1) waits for ever for the rows of some
   * broken files.
   */
  static List<JsonObject> read(Path file, Duration patience) throws IOException {
    ParquetRows rows = new ParquetRows(file);
    FutureTask<List<JsonObject>> reading = new FutureTask<>(rows::all);
    Thread.ofPlatform().daemon().name("mamba4j-parquet").start(reading);
    while (true) {
      int before = rows.done.get();
      try {
        return reading.get(patience.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (rows.done.get() == before) {
          throw rows.broken("no end of its values", e);
        }
      } catch (ExecutionException e) {
        throw rows.failure(e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted");
      }
    }
  }

  private List<JsonObject> all() throws IOException {
    List<JsonObject> rows = new ArrayList<>();
    ParquetInput input = new ParquetInput(file);
    try (ParquetFileReader reader = ParquetFileReader.open(input)) {
      check(input, reader.getFileMetaData(), reader.getFileSchema().getColumnCount());
      try (RowReader row = reader.rowReader()) {
        while (row.hasNext()) {
          row.next();
          rows.add(new JsonObject(file + ": row " + (rows.size() + 1), fields(row)));
          done.set(rows.size());
        }
      }
    }
    return rows;
  }

  private void check(ParquetInput input, FileMetaData metadata, int columns) throws IOException {
    long rows = 0;
    for (RowGroup group : metadata.rowGroups()) {
      if (group.columns().size() != columns) {
        throw new IOException(
            "%d columns with values for a schema of %d".formatted(group.columns().size(), columns));
      }
      for (ColumnChunk column : group.columns()) {
        checkCompression(column.metaData());
        new ParquetPages(input, column).check(group.numRows());
      }
      rows += group.numRows();
    }
    if (rows != metadata.numRows()) {
      throw new IOException(rows + " rows, expected " + metadata.numRows());
    }
  }

  private void checkCompression(ColumnMetaData column) throws FormatException {
    switch (column.codec()) {
      case UNCOMPRESSED, GZIP, SNAPPY -> {}
      default ->
          throw new FormatException(
              "%s: column %s: expected compression SNAPPY, GZIP or none, found %s; "
                      .formatted(file, column.pathInSchema(), column.codec())
                  + "write the file again with one of these, or as JSON lines");
    }
  }

  private static Map<String, Object> fields(StructAccessor row) {
    Map<String, Object> fields = new LinkedHashMap<>();
    for (int i = 0; i < row.getFieldCount(); i++) {
      fields.put(row.getFieldName(i), row.isNull(i) ? null : value(row.getValue(i)));
    }
    return fields;
  }

  private static Object value(Object value) {
    return switch (value) {
      case null -> null;
      case PqStruct struct -> fields(struct);
      case PqList list -> list.values().stream().map(ParquetRows::value).toList();
      case Integer number -> number.longValue();
      case Float number -> number.doubleValue();
      case Long number -> number;
      case Double number -> number;
      case Boolean truth -> truth;
      default -> value.toString(); // no task asks for dates and their like
    };
  }

  private IOException failure(Throwable failure) {
    return switch (failure) {
      case FormatException e -> e;
      case FileSystemException e -> e; // there is no such file
      default -> broken(reason(failure), failure);
    };
  }

  private FormatException broken(String found, Throwable cause) {
    return new FormatException(
        "%s: row %d: expected Parquet, found a broken file (%s); download it again"
            .formatted(file, done.get() + 1, found),
        cause);
  }

  /** What the deepest cause says, where it was meant to be read. */
  private static String reason(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return switch (cause) {
      case NullPointerException _, IndexOutOfBoundsException _, BufferUnderflowException _ ->
          "parts that do not fit";
      case Throwable e when e.getMessage() != null ->
          e.getMessage().replaceFirst("^\\[[^]]*] ?", "");
      default -> cause.getClass().getSimpleName();
    };
  }
}
