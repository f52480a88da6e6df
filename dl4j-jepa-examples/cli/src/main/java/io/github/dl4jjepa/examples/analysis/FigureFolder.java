package io.github.dl4jjepa.examples.analysis;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.internal.chartpart.Chart;

/** Where figures are kept: each as NAME.png, NAME.svg and, the numbers in it, NAME.csv. */
final class FigureFolder {
    private static final int DPI = 150;

    private final Path folder;
    private final List<String> names = new ArrayList<>();

    /**
     * @throws JepaException if there is something in the folder
     */
    FigureFolder(Path folder) {
        this.folder = folder;
        try {
            if (Files.exists(folder)) {
                try (var entries = Files.list(folder)) {
                    if (entries.findAny().isPresent()) {
                        throw new JepaException(
                                folder + ": the output folder is not empty; name a new one");
                    }
                }
            }
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new JepaException(folder + ": is no folder that can be written to: " + e, e);
        }
    }

    /** The figures' names, in the order in which they were written. */
    List<String> names() {
        return List.copyOf(names);
    }

    /**
     * Writes a figure.
     *
     * @param name without ending
     * @param chart what is drawn
     * @param header the names of the table's columns
     * @param rows the table, value by value
     */
    void write(String name, Chart<?, ?> chart, String header, List<String> rows) {
        try {
            BitmapEncoder.saveBitmapWithDPI(
                    chart, folder.resolve(name).toString(), BitmapFormat.PNG, DPI);
            VectorGraphicsEncoder.saveVectorGraphic(
                    chart, folder.resolve(name).toString(), VectorGraphicsFormat.SVG);
            Files.writeString(
                    folder.resolve(name + ".csv"), header + "\n" + String.join("\n", rows) + "\n");
        } catch (IOException e) {
            throw new JepaException(folder.resolve(name) + ": cannot be written: " + e, e);
        }
        names.add(name);
    }
}
