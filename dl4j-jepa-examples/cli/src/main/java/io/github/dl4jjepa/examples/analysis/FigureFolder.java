package io.github.dl4jjepa.examples.analysis;

import io.github.dl4jjepa.core.JepaException;
import java.awt.Dimension;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apache.batik.svggen.SVGGraphics2D;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.internal.chartpart.Chart;
import org.w3c.dom.Document;

/** Where figures are kept: each as NAME.png, NAME.svg and, the numbers in it, NAME.csv. */
final class FigureFolder {
    private static final int DPI = 150;

    private final Path folder;
    private final List<String> names = new ArrayList<>();

    private FigureFolder(Path folder) {
        this.folder = folder;
    }

    /**
     * A new folder.
     *
     * @throws JepaException if there is something in the folder
     */
    static FigureFolder vacant(Path folder) {
        try {
            if (Files.exists(folder)) {
                try (var entries = Files.list(folder)) {
                    if (entries.findAny().isPresent()) {
                        throw new JepaException(
                                folder + ": the output folder is not empty; name a new one");
                    }
                }
            }
        } catch (IOException e) {
            throw new JepaException(folder + ": is no folder that can be written to: " + e, e);
        }
        return at(folder);
    }

    /** A folder whose figures are drawn again where they are there. */
    static FigureFolder at(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new JepaException(folder + ": is no folder that can be written to: " + e, e);
        }
        return new FigureFolder(folder);
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
            writeSvg(folder.resolve(name + ".svg"), chart);
            Files.writeString(
                    folder.resolve(name + ".csv"), header + "\n" + String.join("\n", rows) + "\n");
        } catch (IOException e) {
            throw new JepaException(folder.resolve(name) + ": cannot be written: " + e, e);
        }
        names.add(name);
    }

    /** By Batik: the library that XChart would take is LGPL. */
    private static void writeSvg(Path file, Chart<?, ?> chart) throws IOException {
        SVGGraphics2D graphics = new SVGGraphics2D(emptyDocument());
        chart.paint(graphics, chart.getWidth(), chart.getHeight());
        graphics.setSVGCanvasSize(new Dimension(chart.getWidth(), chart.getHeight()));
        try (Writer svg = Files.newBufferedWriter(file)) {
            graphics.stream(svg);
        }
    }

    private static Document emptyDocument() {
        try {
            return DocumentBuilderFactory.newInstance().newDocumentBuilder().newDocument();
        } catch (ParserConfigurationException e) {
            throw new IllegalStateException("the JDK's own parser", e);
        }
    }
}
