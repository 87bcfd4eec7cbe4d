package dev.mamba4j.serve;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The chat page and the API's description: resources of this jar by name. Nothing on the page comes
 * from elsewhere, and its policy says so to the browser.
 */
final class Page {
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
          + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private Page() {}

  static void addTo(Router router) {
    add(router, "/", "page/index.html", "text/html; charset=utf-8");
    add(router, "/assets/page.css", "page/page.css", "text/css; charset=utf-8");
    add(router, "/assets/page.js", "page/page.js", "text/javascript; charset=utf-8");
    add(router, "/assets/store.js", "page/store.js", "text/javascript; charset=utf-8");
    add(router, "/assets/api.js", "page/api.js", "text/javascript; charset=utf-8");
    add(router, "/openapi.json", "openapi.json", "application/json");
  }

  private static void add(Router router, String path, String resource, String type) {
    byte[] content = read(resource);
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Content-Security-Policy", POLICY);
    headers.put("Cache-Control", "no-cache");
    headers.put("Referrer-Policy", "no-referrer");
    router.add("GET", path, exchange -> exchange.send(200, type, content, headers));
  }

  private static byte[] read(String resource) {
    try (InputStream in = Page.class.getResourceAsStream(resource)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
