import java.util.Map;
import org.eclipse.persistence.Version;
import org.postgresql.util.DriverInfo;

/** EclipseLink and pgjdbc. */
class EclipseLink {
    public static void main(String[] arguments) throws Exception {
        Jpa jpa = new Jpa("shop");
        Map<String, Client.Step> steps = jpa.steps();
        steps.put(
                "version",
                configured -> "EclipseLink " + Version.getVersion().replaceFirst("\\.v.*", "") + ", pgjdbc " + DriverInfo.DRIVER_VERSION);
        steps.put("truncate", jpa.truncate("shop"));
        Client.main(steps);
    }
}
