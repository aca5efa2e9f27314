// The same dataflows, each with a mistake that is easily made.
Network mistakes {
  Layer output_stationary {
    Type: CONV
    Dimensions { X': 12, S: 6 }
    Dataflow { SpatialMap(1,2) X'; TemporalMap(1,1) S; }
  }
  Layer weight_stationary {
    Type: CONV
    Dimensions { X': 12, S: 6 }
    Dataflow { TemporalMap(2,1) S; SpatialMap(1,1) X'; }
  }
  Layer collaborative {
    Type: CONV
    Dimensions { X': 12, S: 6 }
    Dataflow { SpatialMap(1,1) S; SpatialMap(1,1) X'; }
  }
  Layer tiled {
    Type: CONV
    Dimensions { X': 12, S: 6 }
    Dataflow { SpatialMap(2,2) S; TemporalMap(2,1) X'; }
  }
  Layer clustered {
    Type: CONV
    Dimensions { X': 12, S: 6 }
    Dataflow { TemporalMap(3,3) S; SpatialMap(1,1) X'; Cluster(3, P); SpatialMap(2,1) S; }
  }
  Layer row_stationary {
    Type: CONV
    Dimensions { Y': 4, X': 6, R: 3, S: 3 }
    Dataflow {
      SpatialMap(Sz(R),Sz(R)) Y;
      TemporalMap(Sz(S),1) X;
      TemporalMap(Sz(S),Sz(S)) S;
      Cluster(Sz(R), P);
      SpatialMap(1,1) Y;
      SpatialMap(1,1) R;
    }
  }
}
